resource "aws_vpc" "v" {
  cidr_block = "10.0.0.0/16"
}
resource "aws_subnet" "s" {
  for_each   = { a = "10.0.1.0/24", b = "10.0.2.0/24" }
  availability_zone = "us-east-1a"
  vpc_id     = aws_vpc.v.id
  cidr_block = each.value
}
resource "aws_network_acl" "n" {
  vpc_id     = aws_vpc.v.id
  subnet_ids = [for s in aws_subnet.s : s.id]
  ingress {
    rule_no    = 110
    protocol   = "6"
    action     = "allow"
    cidr_block = "0.0.0.0/0"
    from_port  = 443
    to_port    = 443
  }
}
resource "aws_network_acl" "rules" {
  vpc_id = aws_vpc.v.id
}
resource "aws_network_acl_rule" "in" {
  network_acl_id = aws_network_acl.rules.id
  rule_number    = 200
  egress         = false
  protocol       = "6"
  rule_action    = "deny"
  cidr_block     = "10.0.0.0/8"
  from_port      = 22
  to_port        = 22
}
