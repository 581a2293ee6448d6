resource "aws_route" "a" {
  route_table_id         = "rtb-1"
  destination_cidr_block = "0.0.0.0/0"
  gateway_id             = "igw-1"
  nat_gateway_id         = "nat-1"
}
resource "aws_route" "b" {
  route_table_id = "rtb-1"
  gateway_id     = "igw-1"
}
resource "aws_route" "c" {
  route_table_id         = "rtb-1"
  destination_cidr_block = "10.0.0.5/8"
  gateway_id             = "igw-1"
}
resource "aws_route_table_association" "a" {
  route_table_id = "rtb-1"
}
resource "aws_route_table_association" "b" {
  route_table_id = "rtb-1"
  subnet_id      = "subnet-1"
  gateway_id     = "igw-1"
}
