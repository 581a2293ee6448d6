resource "terraform_data" "a" {
  count = 3
  input = "n${count.index}"
}
resource "terraform_data" "r" {
  count            = length(terraform_data.a)
  input            = terraform_data.a[count.index].input
  triggers_replace = terraform_data.a[count.index].id
}
