resource "terraform_data" "a" {
  lifecycle {
    ignore_changes = [nope, input.x, "input", terraform_data.b.id]
  }
}
resource "terraform_data" "b" {
  lifecycle {
    ignore_changes = "all"
  }
}
resource "terraform_data" "c" {
  lifecycle {
    ignore_changes = ["*"]
    prevent_destroy = var.x
    create_before_destroy = "maybe"
    foo = 1
  }
}
resource "terraform_data" "d" {
  lifecycle {
    ignore_changes = [all]
    prevent_destroy = null
  }
  lifecycle {
  }
}
resource "terraform_data" "e" {
  lifecycle {
    ignore_changes = [input[terraform_data.b.id], input, input]
    blk {
    }
  }
}
variable "x" {
  default = true
}
