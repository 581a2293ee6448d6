resource "aws_vpc" "v" {
  cidr_blok = "10.0.0.0/16"
  tag = {
    Name = "x"
  }
}
resource "aws_subnet" "s" {
  vpc_id = aws_vpc.v.idd
  timeout {
    create = "1m"
  }
}
resource "aws_vcp" "w" {
}
data "aws_availabilty_zones" "z" {}
output "x" {
  value = data.aws_region.r.nam
}
data "aws_region" "r" {}
