resource "terraform_data" "in" {
  input = "in"
}
resource "terraform_data" "cnt" {
  count = 2
}
