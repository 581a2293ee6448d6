output "e" {
  value = terraform.env
}
