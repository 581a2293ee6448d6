resource "terraform_data" "in" {
}
resource "terraform_data" "in2" {
  input = terraform_data.in.id
}
