variable "x" {
 default = "a"
}
resource "terraform_data" "a" {
  count = 2
  input = { a = var.x, n = 1.5, l = ["x"] }
}
resource "terraform_data" "b" {
  for_each = { k = terraform_data.a[0].id }
  input = sensitive(each.value)
  triggers_replace = [terraform_data.a[1].id]
  lifecycle { create_before_destroy = true }
}
data "terraform_remote_state" "s" {
  backend = "local"
  config = { path = "x.tfstate" }
  count = 0
}
module "m" {
 source = "./m"
 count = 1
 a = terraform_data.b["k"].output
}
output "o" {
 value = terraform_data.b["k"].output
 sensitive = true
 }
output "q" { value = module.m[0].z }
check "c" {
  assert {
    condition = var.x == "b"
    error_message = "nope"
  }
}
