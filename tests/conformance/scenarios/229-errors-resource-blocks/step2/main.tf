resource "terraform_data" "a" {
  dynamic "input" {
    for_each = [1]
    content {
      x = input.value
    }
  }
}
