resource "terraform_data" "a" {
  count = terraform_data.a[0].input
}
