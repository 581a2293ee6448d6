module "top" {
  source   = "./mid"
  for_each = { b = 1 }
  n        = each.value
}
