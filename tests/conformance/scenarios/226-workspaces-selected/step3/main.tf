resource "terraform_data" "a" {
  for_each = terraform.workspace == "default" ? toset(["d"]) : toset(["x", "y"])
  input    = "${terraform.workspace}-${each.key}"
}
output "ws" {
  value = terraform.workspace
}
output "n" {
  value = length(terraform_data.a)
}
