resource "terraform_data" "a" {
  input = foo(1
}
