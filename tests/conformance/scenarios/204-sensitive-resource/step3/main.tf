variable "pw" {
  type      = string
}
variable "cfg" {
  type      = object({ user = string, pass = string })
  default   = { user = "u", pass = "p" }
}
resource "terraform_data" "a" {
  input            = [for x in ["a", "b"] : "${x}-${var.pw}"]
  triggers_replace = var.cfg.user
}
resource "terraform_data" "b" {
  input = { l = terraform_data.a.output, c = var.cfg, n = "x" }
}
module "m" {
  source = "./m"
  pw     = var.pw
}
