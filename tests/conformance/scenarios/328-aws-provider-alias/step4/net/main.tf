terraform {
  required_providers {
    aws = {
      source                = "hashicorp/aws"
      configuration_aliases = [aws.other]
    }
  }
}
resource "aws_vpc" "a" {
  cidr_block = "10.0.0.0/16"
}
resource "aws_vpc" "b" {
  provider   = aws.other
  cidr_block = "10.0.0.0/16"
}
output "arns" {
  value = [aws_vpc.a.arn, aws_vpc.b.arn]
}
