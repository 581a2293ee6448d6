variable "v" {}
resource "terraform_data" "all" {
  input            = var.v
  triggers_replace = var.v
  lifecycle {
    ignore_changes = all
  }
}
resource "terraform_data" "nest" {
  input = { a = var.v, b = { c = var.v, d = "x" }, l = [var.v, "y"] }
  lifecycle {
    ignore_changes = [input.a, input.b.c, input["l"][0]]
  }
}
resource "terraform_data" "whole" {
  input = { a = var.v }
  lifecycle {
    ignore_changes = [input]
  }
}
resource "terraform_data" "trig" {
  input            = var.v
  triggers_replace = { x = var.v, y = 1 }
  lifecycle {
    ignore_changes = [triggers_replace]
  }
}
resource "terraform_data" "dep" {
  input = [terraform_data.all.output, terraform_data.nest.output]
}
