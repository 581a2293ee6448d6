variable "v" {}
resource "terraform_data" "nest" {
  input = { a = var.v, b = { c = var.v, d = "z" }, l = [var.v] }
  lifecycle {
    ignore_changes = [input.a, input.b.c, input["l"][0]]
  }
}
resource "terraform_data" "whole" {
  input = "scalar"
  lifecycle {
    ignore_changes = [input.a]
  }
}
resource "terraform_data" "trig" {
  input            = var.v
  triggers_replace = { x = var.v, y = 1 }
  lifecycle {
    ignore_changes = [output, id]
  }
}
