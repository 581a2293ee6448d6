import {
  to = aws_route_table_association.a
  id = "no-slash"
}
resource "aws_route_table_association" "a" {
  subnet_id      = "subnet-1"
  route_table_id = "rtb-1"
}
