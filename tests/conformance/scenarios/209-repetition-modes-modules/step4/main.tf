module "m" {
  source   = "./m"
}
