resource "terraform_data" "a" {
  input = "x"
}
output "unk" {
  value = terraform_data.a.id
}
output "obj" {
  value = { id = terraform_data.a.id, k = "v", out = terraform_data.a.output, in = terraform_data.a.input }
}
output "sens" {
  value     = { a = terraform_data.a.id }
  sensitive = true
}
output "nul" {
  value = null
}
output "lst" {
  value = tolist(["a", terraform_data.a.id])
}
output "set" {
  value = toset(["b", "a"])
}
output "whole" {
  value = terraform_data.a
}
