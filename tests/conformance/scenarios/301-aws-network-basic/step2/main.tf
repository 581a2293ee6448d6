data "aws_availability_zones" "here" {
  state = "available"
}
resource "aws_vpc" "v" {
  cidr_block           = "10.0.0.0/16"
  enable_dns_hostnames = false
  tags = {
    Name = "main"
    Env  = ""
  }
}
resource "aws_subnet" "s" {
  count             = 2
  vpc_id            = aws_vpc.v.id
  cidr_block        = cidrsubnet(aws_vpc.v.cidr_block, 8, count.index + 10)
  availability_zone = data.aws_availability_zones.here.names[count.index]
}
resource "aws_internet_gateway" "g" {
  vpc_id = aws_vpc.v.id
}
resource "aws_route_table" "public" {
  vpc_id = aws_vpc.v.id
  route {
    cidr_block = "10.9.0.0/16"
    gateway_id = aws_internet_gateway.g.id
  }
  route {
    cidr_block = "0.0.0.0/0"
    gateway_id = aws_internet_gateway.g.id
  }
}
resource "aws_route_table" "private" {
  vpc_id = aws_vpc.v.id
}
resource "aws_route" "nat" {
  route_table_id         = aws_route_table.private.id
  destination_cidr_block = "0.0.0.0/0"
  gateway_id             = aws_internet_gateway.g.id
}
resource "aws_route_table_association" "a" {
  subnet_id      = aws_subnet.s[0].id
  route_table_id = aws_route_table.private.id
}
resource "aws_route_table_association" "b" {
  subnet_id      = aws_subnet.s[1].id
  route_table_id = aws_route_table.private.id
}
output "azs" {
  value = aws_subnet.s[*].availability_zone
}
