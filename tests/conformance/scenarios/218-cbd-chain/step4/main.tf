variable "rev" {
  default = 1
}
resource "terraform_data" "c" {
  triggers_replace = "x"
  lifecycle {
    create_before_destroy = true
  }
}
