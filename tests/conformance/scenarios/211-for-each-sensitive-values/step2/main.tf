resource "terraform_data" "x" {
  for_each = toset(sensitive(["a"]))
}
resource "terraform_data" "y" {
  for_each = { a = sensitive("x") }
  input    = each.value
}
resource "terraform_data" "z" {
  count = sensitive(1)
}
