resource "terraform_data" "a" {
  inptu = 1
  input {
  }
  dynamic "foo" {
    for_each = []
    content {}
  }
  timeouts {
    create = "1m"
  }
}
resource "terraform_dta" "b" {
}
resource "nope" "c" {
}
resource "terraform_data" "d" {
  id = "x"
}
resource "terraform_data" "e" {
  output = 1
}
resource "terraform_data" "f" {
  count = 1
  count = 2
  provider = terraform
}
resource "terraform_data" "g" {
  lifecycle {
    creat_before_destroy = true
  }
  provisoner "local-exec" {
  }
}
data "terraform_remote_state" "h" {
  backend = "local"
  conf = {}
}
data "terraform_data" "i" {
}
resource "terraform_remote_state" "j" {
}
variable "k" {
  typ = string
  foo {
  }
}
output "l" {
  valu = 1
}
locals {
  foo {
  }
}
terraform {
  required_versio = "x"
}
check "n" {
}
check "o" {
  assert {
  }
  assert {
    condition     = true
    error_message = "X."
    foo           = 1
  }
  data "terraform_remote_state" "x" {
    backend = "local"
    count   = 1
  }
  data "terraform_remote_state" "y" {
    backend = "local"
  }
  bar = 1
}
