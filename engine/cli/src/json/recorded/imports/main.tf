import {
  to = terraform_data.i
  id = "some-id"
}
import {
  for_each = toset(["x", "y"])
  to = terraform_data.f[each.key]
  id = "id-${each.key}"
}
resource "terraform_data" "i" { input = "x" }
resource "terraform_data" "f" { for_each = toset(["x", "y"]) }
resource "terraform_data" "p" { input = terraform_data.i.output }
variable "secret" { 
  sensitive = true
  default = "s" 
}
variable "nul" { 
  type = map(string)
  default = null 
}
variable "num" {
  type = number
  default = "5"
  validation {
    condition = var.num > 1
    error_message = "x"
  }
}
locals { 
  a = { for k, v in { x = 1, y = var.secret } : k => v }
}
resource "terraform_data" "s" { 
  for_each = { one = 1 }
  input = { whole = local.a, part = [var.secret, 1, { z = var.secret }], set = toset([var.secret, "k"]), nul = var.nul, m = tomap({ a = var.secret }), n = 1e30, f = 0.1, neg = -0.5, b = true , u = "é😀\u2028<>&" }
  triggers_replace = var.secret
}
output "s" { 
  value = terraform_data.s
  sensitive = true 
}
