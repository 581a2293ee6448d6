
resource "aws_vpc" "v" {
  cidr_block           = "10.0.0.0/16"
  enable_dns_hostnames = false
  tags                 = {}
}
resource "aws_subnet" "s" {
  vpc_id                  = aws_vpc.v.id
  cidr_block              = "10.0.1.0/24"
  availability_zone       = "us-east-1a"
  map_public_ip_on_launch = false
  tags                    = { Name = "" }
}
resource "aws_kms_key" "k" {
  description              = ""
  is_enabled               = true
  customer_master_key_spec = "SYMMETRIC_DEFAULT"
}
resource "aws_cloudwatch_log_group" "l" {
  name              = "empty"
  retention_in_days = 0
  kms_key_id        = ""
  tags              = {}
}
resource "aws_iam_role" "r" {
  name                 = "empty"
  description          = ""
  permissions_boundary = ""
  assume_role_policy   = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "ec2.amazonaws.com" } }] })
  tags                 = {}
}
resource "aws_iam_policy" "p" {
  name        = "empty"
  description = ""
  policy      = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "s3:*", Resource = "*" }] })
}
resource "aws_security_group" "g" {
  name        = "empty"
  description = "x"
  vpc_id      = aws_vpc.v.id
  ingress {
    description      = ""
    protocol         = "TCP"
    from_port        = 1
    to_port          = 2
    cidr_blocks      = []
    security_groups  = []
    ipv6_cidr_blocks = ["::/0"]
  }
}
resource "aws_security_group" "own" {
  name   = "own"
  vpc_id = aws_vpc.v.id
}
resource "aws_vpc_security_group_ingress_rule" "r" {
  security_group_id = aws_security_group.own.id
  ip_protocol       = "-1"
  cidr_ipv4         = "10.0.0.0/8"
  description       = ""
  tags              = {}
}
resource "aws_s3_bucket" "b" {
  bucket        = "scenario-empty"
  force_destroy = false
  tags          = {}
}
