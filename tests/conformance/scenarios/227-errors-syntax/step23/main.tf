resource "terraform_data" "a" {
  input = [for x in : x]
}
