resource "terraform_data" "in" {
  input = "in"
}
output "o" {
  value = "const"
}
