variable "region" {
  default = 1
}
locals {
  name = 1
}
resource "terraform_data" "web" {
}
module "net" {
  source = "./m"
}
data "terraform_remote_state" "st" {
  backend = "local"
}
output "a" {
  value = var.regoin
}
output "b" {
  value = local.nmae
}
output "c" {
  value = terraform_data.wbe.id
}
output "d" {
  value = module.nte.x
}
output "e" {
  value = data.terraform_remote_state.sst
}
output "f" {
  value = terraform_dat.web.id
}
output "g" {
  value = web.id
}
output "h" {
  value = region
}
output "i" {
  value = vars.region
}
output "j" {
  value = module.net.outt
}
output "k" {
  value = path.modul
}
output "l" {
  value = terraform.workspac
}
output "m" {
  value = terraform_data.web.inpt
}
output "n" {
  value = data.web
}
output "o" {
  value = var
}
output "p" {
  value = local
}
output "q" {
  value = module
}
output "r" {
  value = data
}
output "s" {
  value = terraform_data
}
output "t" {
  value = data.terraform_remote_state
}
output "u" {
  value = resource.terraform_data.web.id
}
output "v" {
  value = var["region"]
}
output "w" {
  value = local.locals
}
output "x" {
  value = true.x
}
output "y" {
  value = ephemeral.x.y
}
output "z" {
  value = provider::terraform::nope()
}
