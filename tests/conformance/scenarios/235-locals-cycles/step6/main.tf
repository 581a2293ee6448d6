module "a" {
  source = "./m"
  v      = module.b.o
}
module "b" {
  source = "./m"
  v      = module.a.o
}
