variable "a" {
  type = string
  validation {
    condition     = var.a
    error_message = "Must be true."
  }
}
variable "b" {
  type      = string
  sensitive = true
  validation {
    condition     = var.b == "x"
    error_message = "Value was ${var.b}."
  }
}
