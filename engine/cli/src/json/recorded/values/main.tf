terraform { required_version = ">= 1.0, < 2" }
variable "s" {
  type = object({ a = string, b = optional(list(number)) })
  default = { a = "<x>&" }
  description = "desc"
  sensitive = true
  nullable = false
}
variable "e" {
  type = string
  ephemeral = true
  default = "e"
}
variable "r" { default = null }
locals { big = 12345678901234567890.5 }
resource "terraform_data" "a" {
  input = { s = var.s, l = [1, null, "x", [true]], m = tomap({k = "v"}), set = toset(["b","a"]), n = null, e = {}, el = [], es = toset([]) , big = local.big}
  provisioner "local-exec" {
    command = "echo ${self.id}"
    environment = { A = var.r }
  }
  depends_on = [terraform_data.b]
  lifecycle {
    postcondition {
      condition = self.id != ""
      error_message = "no id"
    }
  }
}
resource "terraform_data" "b" {
  for_each = toset(["x", "q"])
  input = each.value
  triggers_replace = [each.key, terraform_data.c.output]
}
resource "terraform_data" "c" { input = [for k in ["a"] : "${k}-${var.s.a}"] }
output "o" {
  value = { a = terraform_data.b, b = terraform_data.a.id, c = 1 }
  sensitive = true
  description = "d"
  depends_on = [terraform_data.a]
  precondition {
    condition = var.s.a != ""
    error_message = "x"
  }
}
output "k" { value = [1, null, {a = "x"}] }
output "n" { value = null }
output "sp" { value = [terraform_data.a[*].id, values(terraform_data.b)[*].id, terraform_data.b["x"].output, true ? 1 : 2, upper("x"), -1, "a${1}"] }
