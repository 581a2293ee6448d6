module "m" {
  source = "./m"
  v      = var.nope
  count  = local.nope
}
check "c" {
  assert {
    condition     = nope.x == 1
    error_message = local.nope
  }
}
provider "terraform" {
  alias = var.x
}
moved {
  from = terraform_data.a
  to   = nope
}
resource "terraform_data" "b" {
  for_each = local.nope
  input    = each.value.x
  lifecycle {
    precondition {
      condition     = local.nope
      error_message = "x"
    }
  }
  provisioner "local-exec" {
    command = local.nope
  }
}
