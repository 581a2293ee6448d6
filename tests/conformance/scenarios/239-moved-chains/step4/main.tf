resource "terraform_data" "c" {
  for_each = { x = 0 }
  input    = each.value
}
moved {
  from = terraform_data.c["y"]
  to   = terraform_data.c["x"]
}
moved {
  from = module.new["k"].terraform_data.s
  to   = terraform_data.out
}
resource "terraform_data" "out" {
  input = "changed"
}
