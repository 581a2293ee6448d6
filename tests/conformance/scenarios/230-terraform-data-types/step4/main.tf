resource "terraform_data" "a" {
  input = terraform_data.b.id
}
resource "terraform_data" "b" {
  triggers_replace = terraform_data.c.id
}
resource "terraform_data" "c" {
  triggers_replace = ["a", "b"]
  input            = 0.1
}
output "a" {
  value = [terraform_data.a.output, terraform_data.c.output]
}
