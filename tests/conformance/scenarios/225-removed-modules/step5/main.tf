removed {
  from = terraform_data.a
}
module "m" {
  source = "./m"
}
