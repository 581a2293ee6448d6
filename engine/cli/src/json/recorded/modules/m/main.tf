terraform { 
 required_providers { terraform = { source = "terraform.io/builtin/terraform" } }
}
variable "x" {
  type = string
  validation {
    condition = length(var.x) < 10
    error_message = "too long"
  }
}
resource "terraform_data" "d" {
  input = { v = var.x, s = sensitive("p"), l = [var.x, sensitive("q")] }
  lifecycle { 
   precondition { 
     condition = var.x != "zz"
     error_message = "no"
   }
   postcondition { 
     condition = self.output.v != "zzz"
     error_message = "nope ${self.id}"
   }
  }
}
data "terraform_remote_state" "r" {
  backend = "local"
  config = { path = "${path.root}/none.json" }
  defaults = { a = 1 }
  count = 0
}
module "sub" { 
  source = "./sub/"
  a = terraform_data.d.id
  b = { c = [1, 2] }
}
output "out" { 
  value = { v = var.x, l = [terraform_data.d.id] } 
  description = "the out"
  precondition {
    condition = terraform_data.d.id != ""
    error_message = "x"
  }
}
output "secret" { 
 value = terraform_data.d.output.s
 sensitive = true
}
check "c" {
  assert {
    condition = var.x == "b"
    error_message = "nope ${var.x}"
  }
}
