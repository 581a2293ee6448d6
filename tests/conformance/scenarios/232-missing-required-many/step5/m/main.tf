variable "req" {
  type     = string
  nullable = false
}
variable "req2" {}
