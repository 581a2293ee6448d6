resource "terraform_data" "a" {
  connection {
    type = "ssh"
    host = self.id
    foo  = 1
  }
  connection {
    type = "ssh"
  }
  provisioner "remote-exec" {
    inline = ["x"]
    connection {
      host = 1
      usr = 1
    }
    connection {
    }
  }
  provisioner "local-exec" {
    command = [1]
  }
  provisioner "local-exec" {
    command = null
    environment = ["x"]
    lifecycle {
    }
  }
  provisioner "local-exec" {
    when    = "destroy"
    on_failure = "fail"
    command = "x ${count.index} ${each.key}"
  }
}
