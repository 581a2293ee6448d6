removed {
  from = module.m.terraform_data.in2
  lifecycle {
    destroy = true
  }
}
removed {
  from = terraform_data.a
  lifecycle {
    destroy = false
  }
}
