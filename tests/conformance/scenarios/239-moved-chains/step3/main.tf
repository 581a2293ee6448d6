resource "terraform_data" "c" {
  for_each = { x = 0, y = 1 }
  input    = each.value
}
moved {
  from = terraform_data.a
  to   = terraform_data.b
}
moved {
  from = terraform_data.b[0]
  to   = terraform_data.c["x"]
}
moved {
  from = terraform_data.b[1]
  to   = terraform_data.c["y"]
}
moved {
  from = terraform_data.s
  to   = module.new["k"].terraform_data.s
}
module "new" {
  source   = "./m"
  for_each = toset(["k"])
}
moved {
  from = module.old
  to   = module.new["k"]
}
