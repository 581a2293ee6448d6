resource "terraform_data" "a-${x}" {
}
