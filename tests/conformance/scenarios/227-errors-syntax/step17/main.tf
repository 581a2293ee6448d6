/* unclosed
resource "terraform_data" "a" {
}
