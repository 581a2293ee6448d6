variable "v" {}
output "o" {
  value = var.v
}
output "p" {
  value = "const"
}
