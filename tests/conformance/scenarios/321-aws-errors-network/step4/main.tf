resource "aws_network_acl" "a" {
  vpc_id = "vpc-1"
  ingress {
    rule_no    = 40000
    protocol   = "tcp"
    action     = "maybe"
    cidr_block = "10.0.0.0/33"
    from_port  = 1
    to_port    = 70000
  }
}
resource "aws_network_acl_rule" "b" {
  network_acl_id = "acl-1"
  rule_number    = 1
  protocol       = "tcp"
  rule_action    = "permit"
}
resource "aws_nat_gateway" "c" {
  subnet_id         = "subnet-1"
  connectivity_type = "secret"
}
resource "aws_eip" "d" {
  domain = "moon"
}
resource "aws_vpc_dhcp_options" "e" {
}
resource "aws_vpc_ipv4_cidr_block_association" "f" {
  vpc_id     = "vpc-1"
  cidr_block = "10.0.0.0/8"
}
