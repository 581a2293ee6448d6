data "terraform_remote_state" "e" {
  backend  = "local"
  config   = { path = "st.tfstate" }
  lifecycle {
    create_before_destroy = true
    prevent_destroy = true
    ignore_changes = all
    replace_triggered_by = [x.y]
  }
  provisioner "local-exec" {
    command = "x"
  }
  connection {
  }
}
data "terraform_remote" "e" {
}
data "nope_x" "y" {}
