resource "aws_vpc_security_group_ingress_rule" "a" {
  security_group_id = "sg-1"
  ip_protocol       = "tcp"
  from_port         = 1
  to_port           = 1
}
resource "aws_vpc_security_group_ingress_rule" "b" {
  security_group_id = "sg-1"
  ip_protocol       = "tcp"
  from_port         = 70000
  to_port           = 1
  cidr_ipv4         = "10.0.0.0/33"
}
resource "aws_vpc_security_group_ingress_rule" "c" {
  security_group_id            = "sg-1"
  ip_protocol                  = "-1"
  cidr_ipv4                    = "10.0.0.0/8"
  referenced_security_group_id = "sg-2"
}
