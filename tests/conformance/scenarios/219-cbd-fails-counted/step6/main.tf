variable "rev" {}
variable "fail" {
  default = false
}
resource "terraform_data" "a" {
  count            = 2
  triggers_replace = var.rev
  lifecycle {
    create_before_destroy = true
  }
  provisioner "local-exec" {
    command = "test ${var.fail && count.index == 1 ? 1 : 0} = 0"
  }
}
resource "terraform_data" "d" {
  count = 2
  input = terraform_data.a[count.index].id
}
