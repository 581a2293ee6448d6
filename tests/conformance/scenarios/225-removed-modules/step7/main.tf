removed {
}
removed {
  from = terraform_data.a[0]
}
removed {
  from = var.x
}
removed {
  from = terraform_data.z
  lifecycle {
    destroy = maybe
  }
}
removed {
  from = terraform_data.y
  lifecycle {
    prevent_destroy = true
  }
  provisioner "local-exec" {
    command = "x"
  }
}
removed {
  from = terraform_data.kept
  lifecycle {
    destroy = false
  }
  provisioner "local-exec" {
    when = destroy
    command = "x"
  }
}
resource "terraform_data" "kept" {
}
removed {
  from = module.m
}
module "m" {
  source = "./m"
}
removed "x" {
  from = data.terraform_remote_state.x
}
