variable "t" {}
resource "terraform_data" "in" {
  triggers_replace = "${var.t}-2"
  input            = "in"
}
resource "terraform_data" "in2" {
  input = terraform_data.in.id
}
