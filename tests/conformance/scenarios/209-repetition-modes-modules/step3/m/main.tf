resource "terraform_data" "r" {
  input = "r"
}
resource "terraform_data" "c" {
  count = 2
  input = count.index
}
