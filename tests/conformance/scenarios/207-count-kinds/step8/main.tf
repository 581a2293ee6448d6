resource "terraform_data" "a" {
  count = ""
}
resource "terraform_data" "b" {
  count = -1
}
