variable "pw" {
  type      = string
  sensitive = true
}
variable "cfg" {
  type      = object({ user = string, pass = string })
  sensitive = true
  default   = { user = "u", pass = "p" }
}
resource "terraform_data" "a" {
  input            = [for x in ["a", "b"] : "${x}-${var.pw}"]
  triggers_replace = var.cfg.user
}
resource "terraform_data" "b" {
  input = { l = terraform_data.a.output, c = var.cfg, n = sensitive("x") }
}
module "m" {
  source = "./m"
  pw     = var.pw
}
output "m" {
  value     = module.m
  sensitive = true
}
output "issens" {
  value = issensitive(var.pw)
}
