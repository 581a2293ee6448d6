variable "rev" {}
resource "terraform_data" "a" {
  input            = "x"
  triggers_replace = var.rev
  lifecycle {
    create_before_destroy = true
  }
  provisioner "local-exec" {
    when    = destroy
    command = "test -f ok"
  }
}
resource "terraform_data" "d" {
  input = terraform_data.a.id
}
