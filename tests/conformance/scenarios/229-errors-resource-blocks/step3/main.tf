resource "terraform_data" "a" {
  dynamic {
  }
}
resource "terraform_data" "b" {
  dynamic "x" {
    content {
    }
  }
}
resource "terraform_data" "c" {
  dynamic "x" {
    for_each = []
  }
}
