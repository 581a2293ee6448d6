module "a" {
  source = "./m"
  v      = module.a.p
}
