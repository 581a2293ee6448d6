variable "v" {}
output "x" {
  value = var.v
  precondition {
    condition     = var.v != "4"
    error_message = "v is four."
  }
}
