resource "terraform_data" "a" {
  depends_on = [terraform_data.nope]
}
resource "terraform_data" "b" {
  depends_on = terraform_data.a
}
resource "terraform_data" "c" {
  depends_on = [var.x, local.y, "terraform_data.a", each.key, terraform_data.a.id, terraform_data.a[0], module.m, data.terraform_remote_state.z]
}
resource "terraform_data" "d" {
  depends_on = [upper("x"), terraform_data.a["x${1}"]]
}
variable "x" {
  default = 1
}
