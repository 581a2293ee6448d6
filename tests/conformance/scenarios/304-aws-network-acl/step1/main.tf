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
  subnet_ids = [aws_subnet.s["a"].id]
  ingress {
    rule_no    = 100
    protocol   = "tcp"
    action     = "allow"
    cidr_block = "0.0.0.0/0"
    from_port  = 80
    to_port    = 80
  }
  egress {
    rule_no    = 100
    protocol   = "-1"
    action     = "allow"
    cidr_block = "0.0.0.0/0"
    from_port  = 0
    to_port    = 0
  }
}
resource "aws_network_acl" "rules" {
  vpc_id = aws_vpc.v.id
  tags = {
    Name = "rules"
  }
}
resource "aws_network_acl_rule" "in" {
  network_acl_id = aws_network_acl.rules.id
  rule_number    = 200
  egress         = false
  protocol       = "tcp"
  rule_action    = "allow"
  cidr_block     = "10.0.0.0/8"
  from_port      = 22
  to_port        = 22
}
resource "aws_network_acl_rule" "icmp" {
  network_acl_id = aws_network_acl.rules.id
  rule_number    = 300
  protocol       = "icmp"
  rule_action    = "deny"
  cidr_block     = "10.0.0.0/8"
  icmp_type      = -1
  icmp_code      = -1
}
