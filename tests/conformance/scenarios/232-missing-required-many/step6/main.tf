variable "a" {
}
variable "b" {
  type = number
}
variable "c" {
  type     = string
  nullable = false
}
module "m" {
  source = "./m"
  req    = null
  req2   = var.a
}
