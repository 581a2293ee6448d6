resource "terraform_data" "a" {
  count = terraform_data.b.input
}
resource "terraform_data" "b" {
  count = 1
}
