resource "terraform_data" "c" {
  triggers_replace = 1
}
