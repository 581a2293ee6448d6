resource "terraform_data" "new" {
  input = 1
}
resource "terraform_data" "b" {
  input = terraform_data.new.id
}
resource "terraform_data" "other" {
}
moved {
  from = terraform_data.a
  to   = terraform_data.new
}
