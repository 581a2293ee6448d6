resource "terraform_data" "y" {
  for_each = { a = sensitive("x"), b = "y" }
  input    = each.value
}
resource "terraform_data" "z" {
  for_each = terraform_data.y
  input    = each.value.output
}
output "z" {
  value     = terraform_data.z
  sensitive = true
}
