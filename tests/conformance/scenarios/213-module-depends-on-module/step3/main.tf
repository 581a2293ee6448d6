resource "terraform_data" "first" {
  input = 2
}
module "m" {
  source     = "./m"
  depends_on = [terraform_data.first]
}
module "n" {
  source     = "./m"
  depends_on = [module.m]
}
resource "terraform_data" "last" {
  depends_on = [module.n]
  input      = module.m.o
}
