variable "a" {
  type = string
  validation {
    condition     = terraform_data.x.output == var.a
    error_message = "Must be x."
  }
}
resource "terraform_data" "x" {
  input = "x"
}
