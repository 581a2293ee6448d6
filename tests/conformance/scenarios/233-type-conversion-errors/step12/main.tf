variable "a" {
  type    = list(number)
  default = []
}
variable "b" {
  type    = object({ x = bool, y = list(string) })
  default = { x = true, y = [] }
}
variable "c" {
  type    = tuple([string, number])
  default = ["a", 1]
}
variable "d" {
  type    = map(number)
  default = {}
}
variable "e" {
  type    = set(string)
  default = []
}
variable "f" {
  type    = bool
  default = false
}
variable "g" {
  type    = number
  default = 0
}
output "all" {
  value = [var.a, var.b, var.c, var.d, var.e, var.f, var.g]
}
