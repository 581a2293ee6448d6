variable "maybe" {
  type    = string
  default = null
}
resource "aws_vpc" "v" {
  cidr_block           = "10.0.0.0/16"
  enable_dns_hostnames = var.maybe
  tags                 = var.maybe == null ? null : { Name = var.maybe }
}
resource "aws_subnet" "s" {
  vpc_id            = aws_vpc.v.id
  cidr_block        = "10.0.1.0/24"
  availability_zone = var.maybe
  timeouts {
    create = "5m"
    delete = "5m"
  }
}
resource "aws_route_table" "t" {
  vpc_id = aws_vpc.v.id
  timeouts {
    create = "5m"
  }
}
resource "aws_route" "r" {
  route_table_id         = aws_route_table.t.id
  destination_cidr_block = "0.0.0.0/0"
  gateway_id             = aws_internet_gateway.g.id
  timeouts {
    create = "5m"
  }
}
resource "aws_internet_gateway" "g" {
  vpc_id = aws_vpc.v.id
}
resource "aws_security_group" "g" {
  name_prefix            = "pre-"
  vpc_id                 = aws_vpc.v.id
  revoke_rules_on_delete = true
  tags                   = {}
}
resource "aws_iam_policy" "p" {
  name_prefix = "pre-"
  path        = "/x/"
  policy      = jsonencode({ Version = "2012-10-17", Statement = [] })
}
resource "aws_cloudwatch_log_group" "l" {
  name_prefix       = "pre-"
  retention_in_days = var.maybe
}
