variable "vpc" {}
variable "sub" {}
variable "rtb" {}
variable "igw" {}
variable "sg" {}
import {
  to = aws_vpc.v
  id = var.vpc
}
import {
  to = aws_subnet.s
  id = var.sub
}
import {
  to = aws_route_table.t
  id = var.rtb
}
import {
  to = aws_internet_gateway.g
  id = var.igw
}
import {
  to = aws_route_table_association.a
  id = "${var.sub}/${var.rtb}"
}
import {
  to = aws_security_group.g
  id = var.sg
}
import {
  for_each = toset(["/imported"])
  to       = aws_cloudwatch_log_group.g[each.key]
  id       = each.key
}
import {
  to = aws_iam_role.r
  id = "imported"
}
import {
  to = aws_iam_role_policy_attachment.a
  id = "imported/arn:aws:iam::aws:policy/ReadOnlyAccess"
}
resource "aws_vpc" "v" {
  cidr_block = "10.0.0.0/16"
}
resource "aws_subnet" "s" {
  vpc_id     = aws_vpc.v.id
  cidr_block = "10.0.1.0/24"
  tags = {
    Name = "s"
  }
}
resource "aws_route_table" "t" {
  vpc_id = aws_vpc.v.id
  route {
    cidr_block = "0.0.0.0/0"
    gateway_id = aws_internet_gateway.g.id
  }
}
resource "aws_internet_gateway" "g" {
  vpc_id = aws_vpc.v.id
}
resource "aws_route_table_association" "a" {
  subnet_id      = aws_subnet.s.id
  route_table_id = aws_route_table.t.id
}
resource "aws_security_group" "g" {
  name        = "imported"
  description = "made"
  vpc_id      = aws_vpc.v.id
  ingress {
    protocol    = "tcp"
    from_port   = 443
    to_port     = 443
    cidr_blocks = ["10.0.0.0/8", "172.16.0.0/12"]
  }
}
resource "aws_cloudwatch_log_group" "g" {
  for_each          = toset(["/imported", "/new"])
  name              = each.key
  retention_in_days = 7
}
resource "aws_iam_role" "r" {
  name               = "imported"
  assume_role_policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "ec2.amazonaws.com" } }] })
}
resource "aws_iam_role_policy_attachment" "a" {
  role       = aws_iam_role.r.name
  policy_arn = "arn:aws:iam::aws:policy/ReadOnlyAccess"
}
