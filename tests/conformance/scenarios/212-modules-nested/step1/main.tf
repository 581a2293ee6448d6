module "top" {
  source   = "./mid"
  for_each = { a = 1, b = 2 }
  n        = each.value
}
output "all" {
  value = { for k, m in module.top : k => m.ids }
}
