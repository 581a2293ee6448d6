variable "a" {}
variable "b" { 
 type = object({ c = list(number), d = optional(string, "dd") }) 
 default = { c = [] }
}
resource "terraform_data" "deep" { 
 for_each = { for k in var.b.c : "k${k}" => k }
 input = [each.value, var.a] 
}
