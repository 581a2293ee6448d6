variable "pw" {}
resource "terraform_data" "in" {
  input = var.pw
}
output "pw" {
  value     = var.pw
  sensitive = true
}
output "res" {
  value     = terraform_data.in.output
  sensitive = true
}
