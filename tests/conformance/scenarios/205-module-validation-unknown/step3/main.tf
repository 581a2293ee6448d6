resource "terraform_data" "src" {
  input = "long enough"
}
module "m" {
  source   = "./m"
  for_each = toset(["a", "b"])
  name     = each.key
  size     = length(each.key)
}
