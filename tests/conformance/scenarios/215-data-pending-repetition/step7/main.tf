data "terraform_remote_state" "e" {
  backend  = "local"
  config   = { path = "st.tfstate" }
  lifecycle {
    postcondition {
      condition     = self.outputs.a == "w"
      error_message = "It is ${self.outputs.a}."
    }
  }
}
output "x" {
  value = data.terraform_remote_state.e.outputs.a
}
