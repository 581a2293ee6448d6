resource "terraform_data" "c" {
  input    = 0
}
moved {
  from = terraform_data.c["x"]
  to   = terraform_data.c
}
moved {
  from = terraform_data.out
  to   = terraform_data.out["k"]
}
resource "terraform_data" "out" {
  for_each = toset(["k"])
  triggers_replace = 1
}
