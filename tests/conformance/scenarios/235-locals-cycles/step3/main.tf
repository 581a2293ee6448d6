resource "terraform_data" "a" {
  input = terraform_data.b.output
}
resource "terraform_data" "b" {
  input = terraform_data.c.output
}
resource "terraform_data" "c" {
  input = local.x
}
locals {
  x = terraform_data.a.id
}
