resource "terraform_data" "a" {
  input = 1
}
resource "terraform_data" "b" {
  triggers_replace = "x"
  input            = {}
}
resource "terraform_data" "c" {
  triggers_replace = tolist(["a"])
  input            = tomap({ a = 1 })
}
resource "terraform_data" "d" {
  input = ["a"]
}
output "a" {
  value = terraform_data.a.output
}
