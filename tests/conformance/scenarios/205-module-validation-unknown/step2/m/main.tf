variable "name" {
  type = string
  validation {
    condition     = length(var.name) > 8
    error_message = "The name ${var.name} is short."
  }
}
variable "size" {
  type = number
  validation {
    condition     = var.size < 2
    error_message = "Too large: ${var.size}."
  }
}
resource "terraform_data" "inner" {
  input = var.name
}
output "name" {
  value = terraform_data.inner.output
}
