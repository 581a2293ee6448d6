resource "terraform_data" "a" {
  input = "%{ if true }x"
}
