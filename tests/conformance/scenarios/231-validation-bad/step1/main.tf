variable "a" {
  type = string
  validation {
    condition     = true
    error_message = "x"
  }
}
variable "b" {
  type = string
  validation {
    condition = length(var.b) > 1
  }
}
variable "c" {
  type = string
  validation {
    condition     = length(var.nope) > 1
    error_message = "Nope is bad."
  }
  validation {
    error_message = "No condition."
  }
}
