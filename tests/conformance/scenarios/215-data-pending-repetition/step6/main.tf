data "terraform_remote_state" "e" {
  backend  = "local"
  config   = { path = "st.tfstate" }
  lifecycle {
    precondition {
      condition     = false
      error_message = "No."
    }
    postcondition {
      condition     = self.outputs.a == "w"
      error_message = "It is ${self.outputs.a}."
    }
  }
}
