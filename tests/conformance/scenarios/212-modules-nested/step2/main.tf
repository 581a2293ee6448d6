module "top" {
  source   = "./mid"
  for_each = { a = 2, b = 1 }
  n        = each.value
}
output "all" {
  value = { for k, m in module.top : k => m.ids }
}
