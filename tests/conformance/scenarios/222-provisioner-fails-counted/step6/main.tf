resource "terraform_data" "c" {
  provisioner "local-exec" {
    command = "exit 1"
  }
  lifecycle {
    create_before_destroy = true
  }
}
