variable "a" {
  type     = string
  default  = null
  nullable = false
}
variable "b" {
  nullable = "maybe"
}
variable "c" {
}
