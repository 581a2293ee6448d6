resource "terraform_data" "e" {
}
resource "terraform_data" "d" {
  input = "x"
}
