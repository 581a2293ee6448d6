resource "terraform_data" "a" {
}
resource "terraform_data" "b" {
  triggers_replace = null
  input            = []
}
resource "terraform_data" "c" {
  triggers_replace = ["a", null]
  input            = { a = null, b = [1, "x", { c = true }] }
}
resource "terraform_data" "d" {
  input = toset(["a"])
}
output "a" {
  value = terraform_data.a.output
}
