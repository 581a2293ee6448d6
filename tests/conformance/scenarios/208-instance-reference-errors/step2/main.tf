resource "terraform_data" "c" {
  count = 2
}
resource "terraform_data" "f" {
  for_each = toset(["a"])
}
output "o1" {
  value = terraform_data.c[2].id
}
output "o2" {
  value = terraform_data.f["b"].id
}
output "o7" {
  value = terraform_data.f.b.id
}
