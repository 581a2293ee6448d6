resource "aws_vpc" "v" {
  cidr_block           = "10.1.0.0/16"
  enable_dns_support   = false
}
resource "aws_subnet" "s" {
  vpc_id            = aws_vpc.v.id
  cidr_block        = "10.1.1.0/24"
  availability_zone = "us-east-1b"
}
resource "aws_route_table" "t" {
  vpc_id = aws_vpc.v.id
}
resource "aws_route_table_association" "a" {
  subnet_id      = aws_subnet.s.id
  route_table_id = aws_route_table.t.id
}
