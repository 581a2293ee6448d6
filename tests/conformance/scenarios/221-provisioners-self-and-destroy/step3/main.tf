variable "v" {}
resource "terraform_data" "b" {
  input = fileexists("log") ? sort(split("\n", trimspace(file("log")))) : []
}
