variable "v" {}
resource "terraform_data" "a" {
  lifecycle {
    precondition {
      condition     = var.v == 2
      error_message = "no capital, no stop"
    }
    precondition {
      condition     = var.v == "3"
      error_message = ["x"]
    }
    precondition {
      condition     = null
      error_message = "n"
    }
    precondition {
      condition     = false
      error_message = ""
    }
    precondition {
      condition = false
      error_message = terraform_data.b.id
    }
  }
}
resource "terraform_data" "b" {}
