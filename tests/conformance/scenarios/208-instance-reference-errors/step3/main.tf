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
output "o1" {
  value = module.m.o
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
output "o5" {
  value = module.s.nope
}
output "o6" {
  value = module.m[0].nope
}
output "o7" {
  value = module.f[*].o
}
