variable "v" {}
resource "terraform_data" "a" {
  input = var.v
}
output "o" {
  value = terraform_data.a.output
  precondition {
    condition     = terraform_data.a.output != "2"
    error_message = "Output is ${terraform_data.a.output}."
  }
}
output "p" {
  value = var.v
  precondition {
    condition     = var.v != "3"
    error_message = "v is three."
  }
}
module "m" {
  source = "./m"
  v      = terraform_data.a.output
}
output "q" {
  value      = module.m.x
  depends_on = [terraform_data.a]
}
