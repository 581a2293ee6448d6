variable "on" {
  type = bool
}
resource "terraform_data" "base" {
  for_each = var.on ? { a = 1, b = 2 } : { a = 1 }
  input    = each.value
}
resource "terraform_data" "next" {
  for_each         = { for k, v in terraform_data.base : k => v.id }
  input            = each.value
  triggers_replace = [each.key, terraform_data.base[each.key].output]
}
resource "terraform_data" "opt" {
  count = var.on ? 1 : 0
  input = try(terraform_data.next["b"].output, "none")
}
output "opt" {
  value = one(terraform_data.opt[*].output)
}
output "opt2" {
  value = length(terraform_data.opt) > 0 ? terraform_data.opt[0].id : null
}
output "try" {
  value = try(terraform_data.base["b"].output, "dflt")
}
