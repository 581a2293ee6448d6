
variable "nat" {
  default = { a = 0, c = 2 }
}
resource "aws_vpc" "v" {
  cidr_block = "10.0.0.0/16"
}
resource "aws_internet_gateway" "g" {
  vpc_id = aws_vpc.v.id
}
resource "aws_subnet" "s" {
  for_each          = var.nat
  vpc_id            = aws_vpc.v.id
  cidr_block        = cidrsubnet(aws_vpc.v.cidr_block, 8, each.value)
  availability_zone = "us-east-1${each.key}"
}
resource "aws_eip" "e" {
  for_each   = var.nat
  domain     = "vpc"
  tags       = { Name = each.key }
  depends_on = [aws_internet_gateway.g]
}
resource "aws_nat_gateway" "n" {
  for_each      = var.nat
  allocation_id = aws_eip.e[each.key].id
  subnet_id     = aws_subnet.s[each.key].id
  tags          = { Name = each.key }
  lifecycle {
    create_before_destroy = true
  }
}
resource "aws_route_table" "t" {
  for_each = var.nat
  vpc_id   = aws_vpc.v.id
  dynamic "route" {
    for_each = each.key == "x" ? ["0.0.0.0/0"] : []
    content {
      cidr_block     = route.value
      nat_gateway_id = aws_nat_gateway.n[each.key].id
    }
  }
}
resource "aws_route" "r" {
  route_table_id         = aws_route_table.t["c"].id
  destination_cidr_block = "0.0.0.0/0"
  gateway_id             = aws_internet_gateway.g.id
}
resource "aws_route_table_association" "a" {
  for_each       = var.nat
  subnet_id      = aws_subnet.s[each.key].id
  route_table_id = aws_route_table.t[each.key].id
}
