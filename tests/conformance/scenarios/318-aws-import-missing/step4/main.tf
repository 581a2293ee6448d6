variable "vpc" {}
import {
  to = aws_vpc.v
  id = var.vpc
}
resource "aws_vpc" "v" {
  cidr_block = "10.8.0.0/16"
}
