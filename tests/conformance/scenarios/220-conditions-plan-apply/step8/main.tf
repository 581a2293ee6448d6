variable "v" {}
resource "terraform_data" "a" {
  lifecycle {
    precondition {
      condition     = self.id != ""
      error_message = "X."
    }
    postcondition {
      condition     = var.v
      error_message = "X."
    }
    precondition {
      condition     = "maybe"
      error_message = "X."
    }
  }
}
