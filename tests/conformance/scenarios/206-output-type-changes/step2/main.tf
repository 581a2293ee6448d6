resource "terraform_data" "a" {
  input = "y"
}
output "unk" {
  value     = terraform_data.a.id
  sensitive = true
}
output "obj" {
  value = { id = terraform_data.a.id, k = "w", out = terraform_data.a.output, in = terraform_data.a.input }
}
output "sens" {
  value     = nonsensitive({ a = terraform_data.a.id })
}
output "nul" {
  value = 1
}
output "lst" {
  value = ["a", terraform_data.a.id]
}
output "set" {
  value = toset(["b", "a", "c"])
}
output "whole" {
  value = terraform_data.a
}
