variable "a" {
  type = string
  validation {
    condition     = var.a == "x"
    error_message = null
  }
}
