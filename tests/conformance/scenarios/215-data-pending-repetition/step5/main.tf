resource "terraform_data" "a" {
  input = "other"
}
data "terraform_remote_state" "e" {
  backend  = "local"
  config   = { path = "st.tfstate" }
  depends_on = [terraform_data.b]
}
resource "terraform_data" "b" {
  count = 0
}
output "o" {
  value = data.terraform_remote_state.e.outputs.a
}
