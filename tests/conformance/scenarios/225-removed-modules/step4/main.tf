resource "terraform_data" "a" {
  count = 2
  input = "a${count.index}"
}
module "m" {
  source = "./m"
}
