resource "terraform_data" "a" {
  count = 4
  input = "m${count.index}"
}
resource "terraform_data" "r" {
  count            = length(terraform_data.a)
  input            = terraform_data.a[count.index].input
  triggers_replace = terraform_data.a[count.index].id
}
