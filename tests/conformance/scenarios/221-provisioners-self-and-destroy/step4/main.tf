resource "terraform_data" "a" {
  provisioner "local-exec" {
    when    = destroy
    command = "echo ${var.v} ${terraform_data.b.id}"
  }
  provisioner "local-exec" {
    when    = sometimes
    command = "echo ${var.v} ${terraform_data.b.id}"
  }
  provisioner "local-exec" {
    on_failure    = sometimes
    command = "x"
  }
  provisioner "local-exec" {
  }
  provisioner "local-exec" {
    command = "x"
    foo = 1
  }
  provisioner "nope" {
    command = "x"
  }
  provisioner {
    command = "x"
  }
  provisioner "chef" {
  }
  provisioner "remote-exec" {
    inline = ["x"]
  }
  provisioner "file" {
    source = "x"
    destination = "y"
  }
}
variable "v" {
  default = 1
}
resource "terraform_data" "b" {
}
