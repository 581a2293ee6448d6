
resource "aws_vpc" "v" {
  cidr_block = "10.0.0.0/16"
}
resource "aws_security_group" "a" {
  name        = "a"
  description = "first"
  vpc_id      = aws_vpc.v.id
  ingress {
    protocol    = "tcp"
    from_port   = 443
    to_port     = 443
    cidr_blocks = ["10.0.0.0/8", "10.0.0.0/16"]
    self        = true
  }
  ingress {
    protocol        = "udp"
    from_port       = 53
    to_port         = 53
    security_groups = [aws_security_group.b.id]
  }
  egress {
    protocol         = "-1"
    from_port        = 0
    to_port          = 0
    cidr_blocks      = ["0.0.0.0/0"]
    ipv6_cidr_blocks = ["::/0"]
  }
  lifecycle {
    create_before_destroy = true
  }
}
resource "aws_security_group" "b" {
  name   = "b"
  vpc_id = aws_vpc.v.id
}
resource "aws_security_group_rule" "self" {
  security_group_id = aws_security_group.b.id
  type              = "ingress"
  protocol          = "all"
  from_port         = 0
  to_port           = 0
  self              = true
}
resource "aws_security_group_rule" "other" {
  security_group_id        = aws_security_group.b.id
  type                     = "egress"
  protocol                 = "6"
  from_port                = 1024
  to_port                  = 65535
  source_security_group_id = aws_security_group.a.id
}
resource "aws_security_group_rule" "ranges" {
  security_group_id = aws_security_group.b.id
  type              = "egress"
  protocol          = "icmp"
  from_port         = 8
  to_port           = -1
  cidr_blocks       = ["10.0.0.0/8", "192.168.0.0/16"]
  ipv6_cidr_blocks  = ["2001:db8::/32"]
}
