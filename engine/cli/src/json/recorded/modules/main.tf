terraform { 
  required_providers { terraform = { source = "terraform.io/builtin/terraform" } }
}
variable "n" { default = 11 }
module "m" {
  source = "./m"
  count = 2
  x = count.index
  providers = { terraform = terraform }
}
module "e" {
  source = "./m"
  for_each = toset(["a", "b c"])
  x = each.key
  depends_on = [module.m]
}
resource "terraform_data" "many" {
  count = var.n
  input = "${count.index}-${module.m[0].out.v}"
}
output "all" { 
  value = module.m[*].out 
}
output "e" { value = module.e["a"].out.l[0] }
output "sens" { 
  value = module.m[1].secret
  sensitive = true
}
resource "terraform_data" "old" { input = 1 }
