variable "v" {}
resource "terraform_data" "a" {
  for_each = toset(["x", "y"])
  input    = "${each.key}-${var.v}"
  triggers_replace = var.v
  provisioner "local-exec" {
    command = "echo ${self.input} ${each.key} >> log"
  }
  provisioner "local-exec" {
    command    = "exit 3"
    on_failure = continue
  }
  provisioner "local-exec" {
    when        = destroy
    command     = "echo gone ${self.input} ${each.key} $FOO >> log"
    environment = { FOO = "bar" }
    interpreter = ["bash", "-c"]
    working_dir = "."
  }
}
output "n" {
  value = length(terraform_data.a)
}
