
resource "aws_vpc" "v" {
  cidr_block = "10.0.0.0/16"
}
resource "aws_subnet" "s" {
  vpc_id            = aws_vpc.v.id
  cidr_block        = "10.0.1.0/24"
  availability_zone = "us-east-1a"
}
resource "aws_kms_key" "k" {
  description = null
}
resource "aws_cloudwatch_log_group" "l" {
  name = "empty"
}
resource "aws_iam_role" "r" {
  name               = "empty"
  assume_role_policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "ec2.amazonaws.com" } }] })
}
resource "aws_iam_policy" "p" {
  name   = "empty"
  policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "s3:*", Resource = "*" }] })
}
resource "aws_security_group" "g" {
  name        = "empty"
  description = "x"
  vpc_id      = aws_vpc.v.id
  ingress {
    protocol         = "tcp"
    from_port        = 1
    to_port          = 2
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
}
resource "aws_s3_bucket" "b" {
  bucket = "scenario-empty"
}
