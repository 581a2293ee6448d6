resource "terraform_data" "src" {
  input = "long enough"
}
module "m" {
  source   = "./m"
  for_each = toset(["a", "b"])
  name     = "${each.key}-${terraform_data.src.output}"
  size     = length(each.key)
}
output "names" {
  value = { for k, m in module.m : k => m.name }
}
