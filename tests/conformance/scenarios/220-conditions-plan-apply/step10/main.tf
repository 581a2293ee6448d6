resource "terraform_data" "a" {
  lifecycle {
    precondition {
    }
    postcondition {
      condition     = terraform_data.a.id != ""
      error_message = "X."
      foo = 1
    }
    precondition "x" {
      condition = true
      error_message = "x"
    }
  }
  precondition {
  }
}
