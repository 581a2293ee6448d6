resource "terraform_data" "a" {
  count = 3
  input = "a${count.index}"
  provisioner "local-exec" {
    command = "test ${count.index} != 1"
  }
  provisioner "local-exec" {
    command = "echo ${self.id} > f${count.index}"
  }
}
resource "terraform_data" "b" {
  count = 3
  input = terraform_data.a[count.index].output
}
output "o" {
  value = terraform_data.b[*].output
}
