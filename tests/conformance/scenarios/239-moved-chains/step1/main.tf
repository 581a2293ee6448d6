resource "terraform_data" "a" {
  count = 2
  input = count.index
}
resource "terraform_data" "s" {
  input = "s"
}
module "old" {
  source = "./m"
}
