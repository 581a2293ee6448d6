locals {
  s = sensitive({ a = 1 })
}
module "m" {
  source   = "./m"
  for_each = local.s
}
