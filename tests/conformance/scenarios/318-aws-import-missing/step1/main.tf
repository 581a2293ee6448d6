import {
  to = aws_vpc.v
  id = "vpc-0123456789abcdef0"
}
resource "aws_vpc" "v" {
  cidr_block = "10.0.0.0/16"
}
