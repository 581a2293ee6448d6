resource "terraform_data" "src" {
  input = "long"
}
module "m" {
  source   = "./m"
  for_each = toset(["a", "bbb"])
  name     = "${each.key}-${terraform_data.src.output}"
  size     = length(each.key)
}
