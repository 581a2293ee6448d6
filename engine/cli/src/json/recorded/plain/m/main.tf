variable "a" {}
resource "terraform_data" "z" { 
 input = var.a 
 lifecycle { 
  precondition {
   condition = var.a != "zzz"
   error_message = "bad"
  }
 }
}
output "z" { value = terraform_data.z.id }
