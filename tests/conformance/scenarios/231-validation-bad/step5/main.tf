variable "a" {
  type = string
  validation {
    condition     = var.b == var.a
    error_message = "Must be same."
  }
}
variable "b" {
  default = "q"
  validation {
    condition     = var.b == var.a
    error_message = "Must be same."
  }
}
