locals {
  envs = {
    dev  = { cidr = "10.0.0.0/16", zones = 1 }
    prod = { cidr = "10.1.0.0/16", zones = 2 }
  }
}
module "net" {
  source   = "./net"
  for_each = local.envs
  name     = each.key
  cidr     = each.value.cidr
  zones    = each.value.zones
  tags     = { Env = each.key }
}
resource "aws_security_group" "shared" {
  for_each = module.net
  name     = "shared-${each.key}"
  vpc_id   = each.value.vpc_id
  tags     = merge(each.value.tags, { Role = "shared" })
}
output "subnets" {
  value = { for k, m in module.net : k => length(m.subnet_ids) }
}
