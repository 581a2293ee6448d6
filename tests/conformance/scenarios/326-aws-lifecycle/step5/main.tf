variable "name" {
  default = "one"
}
variable "port" {
  default = 80
}
resource "aws_vpc" "v" {
  cidr_block = "10.0.0.0/16"
  tags = {
    Name = var.name
  }
  lifecycle {
    ignore_changes = [tags["Name"]]
  }
}
resource "aws_security_group" "g" {
  name_prefix = "web-"
  description = "d ${var.name}"
  vpc_id      = aws_vpc.v.id
  ingress {
    from_port   = var.port
    to_port     = var.port
    protocol    = "tcp"
    cidr_blocks = [aws_vpc.v.cidr_block]
  }
  lifecycle {
    create_before_destroy = true
  }
}
resource "aws_subnet" "s" {
  vpc_id     = aws_vpc.v.id
  cidr_block = "10.0.1.0/24"
  lifecycle {
    replace_triggered_by = [terraform_data.t]
  }
}
resource "terraform_data" "t" {
  input = var.name
}
resource "aws_eip" "e" {
  domain = "vpc"
  tags = {
    Name = var.name
  }
  lifecycle {
    prevent_destroy = true
    ignore_changes  = all
  }
}
