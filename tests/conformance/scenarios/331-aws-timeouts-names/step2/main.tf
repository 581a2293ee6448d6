resource "aws_vpc" "v" {
  cidr_block = "10.0.0.0/16"
}
resource "aws_subnet" "s" {
  vpc_id     = aws_vpc.v.id
  cidr_block = "10.0.1.0/24"
  timeouts {
    create = "6m"
  }
}
resource "aws_route_table" "t" {
  vpc_id = aws_vpc.v.id
}
resource "aws_security_group" "g" {
  name   = "fixed"
  vpc_id = aws_vpc.v.id
}
resource "aws_iam_policy" "p" {
  name_prefix = "other-"
  path        = "/x/"
  policy      = jsonencode({ Version = "2012-10-17", Statement = [] })
}
