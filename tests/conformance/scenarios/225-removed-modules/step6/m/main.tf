removed {
  from = terraform_data.in
  lifecycle {
    destroy = false
  }
}
resource "terraform_data" "in2" {
  input = 2
}
