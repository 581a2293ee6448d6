variable "n" {}
output "ids" {
  value = []
}
