variable "a" {
  type = string
  validation {
    condition     = regex("x", var.a) == "x"
    error_message = "bad"
  }
}
