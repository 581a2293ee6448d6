resource "terraform_data" "a" {
  input = terraform_data.b.id
}
resource "terraform_data" "b" {
  input            = terraform_data.c.output
  triggers_replace = { x = terraform_data.c.output, y = sensitive("z") }
}
resource "terraform_data" "c" {
  triggers_replace = ["a", "b"]
  input            = 9007199254740993
}
