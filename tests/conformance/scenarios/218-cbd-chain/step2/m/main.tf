variable "t" {}
resource "terraform_data" "in" {
  triggers_replace = var.t
  input            = "in"
}
resource "terraform_data" "in2" {
  input = terraform_data.in.id
  lifecycle {
    create_before_destroy = true
  }
}
