resource "terraform_data" a {
  input = 1
}
resource terraform_data "b" {
}
resource "terraform_data" {
}
resource "terraform_data" "c" "d" {
}
resource {
}
