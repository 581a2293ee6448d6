resource "terraform_data" "a" {
  count = 3
  input = "b${count.index}"
  provisioner "local-exec" {
    when    = destroy
    command = "echo ${self.input}; exit 5"
  }
}
resource "terraform_data" "c" {
  input = 1
  provisioner "local-exec" {
    when       = destroy
    on_failure = continue
    command    = "exit 6"
  }
}
