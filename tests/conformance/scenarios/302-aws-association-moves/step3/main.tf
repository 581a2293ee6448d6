variable "table" {
  default = "one"
}
variable "options" {
  default = "one"
}
resource "aws_vpc" "v" {
  cidr_block = "10.0.0.0/16"
}
resource "aws_subnet" "s" {
  availability_zone = "us-east-1a"
  vpc_id     = aws_vpc.v.id
  cidr_block = "10.0.1.0/24"
}
resource "aws_route_table" "t" {
  for_each = toset(["one", "two"])
  vpc_id   = aws_vpc.v.id
}
resource "aws_route_table_association" "a" {
  subnet_id      = aws_subnet.s.id
  route_table_id = aws_route_table.t[var.table].id
}
resource "aws_vpc_dhcp_options" "o" {
  for_each             = { one = ["10.0.0.2"], two = ["AmazonProvidedDNS", "10.0.0.3"] }
  domain_name          = "example.${each.key}"
  domain_name_servers  = each.value
  ntp_servers          = ["127.0.0.1"]
  netbios_name_servers = ["127.0.0.1"]
  netbios_node_type    = 2
}
resource "aws_vpc_dhcp_options_association" "d" {
  vpc_id          = aws_vpc.v.id
  dhcp_options_id = aws_vpc_dhcp_options.o[var.options].id
}
resource "aws_internet_gateway" "g" {
  vpc_id = aws_vpc.v.id
}
resource "aws_route_table_association" "edge" {
  gateway_id     = aws_internet_gateway.g.id
  route_table_id = aws_route_table.t[var.table].id
}
output "association" {
  value = aws_route_table_association.a.id
}
output "options" {
  value = aws_vpc_dhcp_options_association.d.id
}
