module "m" {
  source = "./m"
  count  = 2
}
resource "terraform_data" "a" {
  input = module.m[0].pw
}
resource "terraform_data" "b" {
  input = module.m[*].obj
}
output "whole" {
  value     = module.m
  sensitive = true
}
output "plain" {
  value = module.m[1].plain
}
