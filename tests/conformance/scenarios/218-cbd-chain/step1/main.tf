variable "rev" {
  default = 1
}
resource "terraform_data" "a" {
  triggers_replace = var.rev
}
resource "terraform_data" "b" {
  triggers_replace = terraform_data.a.id
  lifecycle {
    create_before_destroy = true
  }
}
resource "terraform_data" "c" {
  triggers_replace = terraform_data.b.id
}
module "m" {
  source = "./m"
  t      = terraform_data.b.id
}
