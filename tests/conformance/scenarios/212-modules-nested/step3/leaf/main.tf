variable "name" {}
resource "terraform_data" "x" {
  input = "${var.name} in ${basename(path.module)} ${path.root}"
}
output "name" {
  value = terraform_data.x.output
}
