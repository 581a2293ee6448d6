variable "v" {}
resource "terraform_data" "a" {
  for_each = toset(["x", "y"])
  input    = "${each.key}${var.v}"
  lifecycle {
    precondition {
      condition     = var.v != "2"
      error_message = "v is two for ${each.key}."
    }
    postcondition {
      condition     = self.input != "y3"
      error_message = "Bad ${self.input}."
    }
    postcondition {
      condition     = self.output != "x4"
      error_message = "Bad ${self.output} ${each.key}."
    }
  }
}
resource "terraform_data" "b" {
  input = terraform_data.a["x"].output
  lifecycle {
    precondition {
      condition     = terraform_data.a["x"].output != "x5"
      error_message = "Not five."
    }
  }
}
