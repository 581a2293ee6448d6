variable "a" {
  type     = string
  default  = "da"
  nullable = false
}
variable "b" {
  type    = string
  default = "db"
}
variable "c" {
  type     = list(string)
  default  = ["x"]
  nullable = false
}
output "a" {
  value = var.a
}
output "b" {
  value = var.b == null ? "null" : var.b
}
output "c" {
  value = var.c
}
