module "m" {
  source = "./m"
}
output "whole" {
  value = module.m
}
