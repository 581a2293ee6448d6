resource "terraform_data" "a" {
  input = "st.tfstate"
}
locals {
  via = terraform_data.a.id
}
data "terraform_remote_state" "c" {
  count   = 2
  backend = "local"
  config  = { path = "st.tfstate" }
  depends_on = [terraform_data.a]
}
data "terraform_remote_state" "d" {
  for_each = toset(["x", "y"])
  backend  = "local"
  config   = { path = "st.tfstate" }
  defaults = { id = local.via }
}
data "terraform_remote_state" "e" {
  backend  = "local"
  config   = { path = "st.tfstate" }
}
output "o" {
  value = [data.terraform_remote_state.c[0].outputs.a, data.terraform_remote_state.d["x"].outputs.a, data.terraform_remote_state.e.outputs.a]
}
