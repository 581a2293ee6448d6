resource "terraform_data" "a" {
  depends_on = [terraform_data.b]
}
resource "terraform_data" "b" {
  count = 2
  input = local.x
}
locals {
  x = upper(terraform_data.c.output)
}
resource "terraform_data" "c" {
  input = "c"
}
resource "terraform_data" "d" {
  input = terraform_data.b[0].output
}
