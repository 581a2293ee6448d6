module "m" {
  source = "./m"
}
output "plain" {
  value = module.m.plain
}
output "o" {
  value = module.m.obj.b
}
