resource "terraform_data" "a" {
  for_each = toset(["x", "y"])
  input    = each.key
}
resource "terraform_data" "b" {
  input = terraform_data.a["x"].id
  lifecycle {
    create_before_destroy = true
  }
}
resource "terraform_data" "c" {
  triggers_replace = terraform_data.b.id
}
module "m" {
  source = "./m"
}
