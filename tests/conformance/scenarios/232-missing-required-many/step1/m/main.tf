variable "req" {
  type = string
}
variable "req2" {}
