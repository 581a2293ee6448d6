variable "secret" {
  default   = "hidden"
  sensitive = true
}
resource "aws_vpc" "v" {
  cidr_block = "10.0.0.0/16"
  tags = {
    Name   = "v"
    Secret = var.secret
  }
}
resource "aws_subnet" "s" {
  vpc_id     = aws_vpc.v.id
  cidr_block = cidrsubnet(aws_vpc.v.cidr_block, 8, 1)
  tags       = sensitive({ A = "b" })
}
resource "aws_security_group" "g" {
  name        = "g"
  description = var.secret
  vpc_id      = aws_vpc.v.id
  ingress {
    from_port   = 80
    to_port     = 80
    protocol    = "tcp"
    description = var.secret
    cidr_blocks = ["10.0.0.0/8"]
  }
}
resource "aws_iam_role" "r" {
  name               = "r"
  description        = var.secret
  assume_role_policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "ec2.amazonaws.com" } }] })
}
resource "aws_cloudwatch_log_group" "l" {
  name = "/${var.secret}"
}
output "tags" {
  value     = aws_vpc.v.tags
  sensitive = true
}
output "name" {
  value     = aws_cloudwatch_log_group.l.arn
  sensitive = true
}
