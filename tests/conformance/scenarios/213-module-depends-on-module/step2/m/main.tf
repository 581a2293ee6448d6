resource "terraform_data" "in" {
  input            = "in"
  triggers_replace = 1
}
output "o" {
  value = "const"
}
