resource "terraform_data" "a" {
  count            = 2
  input            = 1
  triggers_replace = 1
  lifecycle {
    prevent_destroy = true
  }
}
resource "terraform_data" "b" {
}
