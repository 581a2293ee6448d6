variable "n" {}
module "leaf" {
  source = "../leaf"
  count  = var.n
  name   = "leaf-${count.index}"
}
output "ids" {
  value = module.leaf[*].name
}
