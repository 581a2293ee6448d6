
variable "token" {
  type      = string
  sensitive = true
  default   = "s3cret"
}
resource "aws_vpc" "v" {
  for_each   = { a = "10.9.0.0/16", b = "10.1.0.0/16" }
  cidr_block = each.value
  tags       = { Name = each.key, Token = var.token }
}
resource "aws_security_group" "g" {
  count  = 2
  name   = "g${count.index}"
  vpc_id = aws_vpc.v["a"].id
  egress {
    protocol    = "-1"
    from_port   = 0
    to_port     = 0
    cidr_blocks = ["0.0.0.0/0"]
  }
}
resource "aws_iam_role" "r" {
  name               = "whole"
  assume_role_policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "ec2.amazonaws.com" } }] })
}
data "aws_region" "r" {}
output "vpcs" {
  value     = aws_vpc.v
  sensitive = true
}
output "groups" {
  value = aws_security_group.g[*].name
}
output "group" {
  value = aws_security_group.g[0]
}
output "role" {
  value = { for k, v in aws_iam_role.r : k => v if k != "assume_role_policy" && k != "create_date" && k != "unique_id" }
}
output "region" {
  value = data.aws_region.r
}
output "rules" {
  value = flatten([for g in aws_security_group.g : [for e in g.egress : e.cidr_blocks]])
}
