resource "aws_vpc" "v" {
  cidr_block = "10.0.0.0/16"
}
resource "aws_security_group" "a" {
  name_prefix = "app-"
  vpc_id      = aws_vpc.v.id
}
resource "aws_security_group" "b" {
  name        = "db"
  description = "data"
  vpc_id      = aws_vpc.v.id
  tags = {
    Name = "database"
  }
}
resource "aws_security_group_rule" "https" {
  type              = "ingress"
  security_group_id = aws_security_group.a.id
  protocol          = "tcp"
  from_port         = 443
  to_port           = 443
  cidr_blocks       = ["10.0.0.0/8"]
  ipv6_cidr_blocks  = ["::/0"]
  description       = "https"
}
resource "aws_security_group_rule" "self" {
  type              = "ingress"
  security_group_id = aws_security_group.a.id
  protocol          = "-1"
  from_port         = 0
  to_port           = 0
  self              = true
  description       = "among us"
}
resource "aws_vpc_security_group_ingress_rule" "db" {
  security_group_id            = aws_security_group.b.id
  referenced_security_group_id = aws_security_group.a.id
  ip_protocol                  = "tcp"
  from_port                    = 5433
  to_port                      = 5433
  tags = {
    Name = "other"
  }
}
resource "aws_vpc_security_group_egress_rule" "all" {
  security_group_id = aws_security_group.b.id
  cidr_ipv4         = "10.0.0.0/8"
  ip_protocol       = "-1"
  description       = "out"
}
resource "aws_vpc_security_group_ingress_rule" "ping" {
  security_group_id = aws_security_group.b.id
  cidr_ipv4         = "10.0.0.0/8"
  ip_protocol       = "icmp"
  from_port         = 8
  to_port           = 0
}
