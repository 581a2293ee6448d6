resource "aws_vpc" "v" {
  cidr_block                           = "10.0.0.0/16"
  enable_dns_hostnames                 = true
  enable_network_address_usage_metrics = true
}
resource "aws_subnet" "s" {
  vpc_id                                      = aws_vpc.v.id
  cidr_block                                  = "10.0.1.0/24"
  availability_zone                           = "us-east-1a"
  map_public_ip_on_launch                     = true
}
resource "aws_route_table" "t" {
  vpc_id = aws_vpc.v.id
}
resource "aws_route_table_association" "a" {
  subnet_id      = aws_subnet.s.id
  route_table_id = aws_route_table.t.id
}
