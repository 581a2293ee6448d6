resource "terraform_data" "a b" {
}
resource "terraform_data" "1a" {
}
variable "a.b" {
}
variable "source" {
}
variable "count" {
}
output "a b" {
  value = 1
}
locals {
  a b = 1
}
