module "net" {
  source   = "./net"
  for_each = { prod = 1 }
  name     = "prod"
  cidr     = "10.1.0.0/99"
  zones    = 1
}
