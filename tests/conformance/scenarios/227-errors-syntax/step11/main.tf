resource "terraform_data" "a" {
  input = <<EOT
abc
}
