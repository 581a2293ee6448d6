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
    Name = "db"
  }
}
resource "aws_security_group_rule" "https" {
  type              = "ingress"
  security_group_id = aws_security_group.a.id
  protocol          = "tcp"
  from_port         = 443
  to_port           = 443
  cidr_blocks       = ["10.0.0.0/8", "192.168.0.0/16"]
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
}
resource "aws_security_group_rule" "to_db" {
  type                     = "egress"
  security_group_id        = aws_security_group.a.id
  protocol                 = "tcp"
  from_port                = 5432
  to_port                  = 5432
  source_security_group_id = aws_security_group.b.id
}
resource "aws_vpc_security_group_ingress_rule" "db" {
  security_group_id            = aws_security_group.b.id
  referenced_security_group_id = aws_security_group.a.id
  ip_protocol                  = "tcp"
  from_port                    = 5432
  to_port                      = 5432
  description                  = "from app"
  tags = {
    Name = "db"
  }
}
resource "aws_vpc_security_group_egress_rule" "all" {
  security_group_id = aws_security_group.b.id
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "-1"
}
resource "aws_vpc_security_group_ingress_rule" "ping" {
  security_group_id = aws_security_group.b.id
  cidr_ipv4         = "10.0.0.0/8"
  ip_protocol       = "icmp"
  from_port         = 8
  to_port           = 0
}
