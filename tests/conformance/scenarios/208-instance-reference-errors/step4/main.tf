module "m" {
  source = "./m"
  count  = 2
}
module "f" {
  source   = "./m"
  for_each = toset(["a"])
}
module "s" {
  source = "./m"
}
output "o2" {
  value = module.m[2].o
}
output "o3" {
  value = module.f["b"].o
}
output "o4" {
  value = module.s[0].o
}
