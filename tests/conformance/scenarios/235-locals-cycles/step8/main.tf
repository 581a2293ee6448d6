variable "x" {
  default = var.y
}
variable "y" {
  default = 1 + 1
}
locals {
  a = 1
  a = 2
  "b" = 3
}
locals "x" {
}
