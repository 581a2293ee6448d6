resource "terraform_data" "c" {
  count = 2
}
resource "terraform_data" "f" {
  for_each = toset(["a"])
}
resource "terraform_data" "s" {
}
output "o1" {
  value = terraform_data.c[2].id
}
output "o2" {
  value = terraform_data.f["b"].id
}
output "o3" {
  value = terraform_data.s[0].id
}
output "o4" {
  value = terraform_data.c.id
}
output "o5" {
  value = terraform_data.f.id
}
output "o6" {
  value = terraform_data.c["a"].id
}
output "o7" {
  value = terraform_data.f[0].id
}
