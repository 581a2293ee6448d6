variable "a" {
  type = string
  validation {
    condition     = null
    error_message = "Must be same."
  }
}
