resource "terraform_data" "a" {
  count            = 1
  input            = 1
  triggers_replace = 2
  lifecycle {
    prevent_destroy = true
  }
}
