resource "terraform_data" "r" {
  for_each = toset(["x"])
  input = "r"
}
resource "terraform_data" "c" {
  input = "one"
}
