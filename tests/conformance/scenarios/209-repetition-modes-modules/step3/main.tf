module "m" {
  source   = "./m"
  for_each = toset(["0", "a"])
}
