resource "terraform_data" "a" {
  input = "1"
}
resource "terraform_data" "b" {
  triggers_replace = null
  input            = null
}
resource "terraform_data" "c" {
  triggers_replace = ["a"]
  input            = { a = 1 }
}
resource "terraform_data" "d" {
  input = tolist(["a"])
}
output "a" {
  value = terraform_data.a.output
}
