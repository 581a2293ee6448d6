variable "pw" {
  sensitive = true
}
resource "terraform_data" "in" {
  count = var.pw == "b" ? 1 : 0
  input = var.pw
}
output "pw" {
  value     = var.pw
}
output "res" {
  value     = terraform_data.in
}
