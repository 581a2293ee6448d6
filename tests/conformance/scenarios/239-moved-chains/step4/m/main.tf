resource "terraform_data" "s" {
  input = "s"
}
resource "terraform_data" "in2" {
  input = "in"
}
resource "terraform_data" "cnt" {
  for_each = toset(["p", "q"])
}
moved {
  from = terraform_data.in
  to   = terraform_data.in2
}
moved {
  from = terraform_data.cnt[0]
  to   = terraform_data.cnt["p"]
}
