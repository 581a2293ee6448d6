variable "team" {
  default = "core"
}
terraform {
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.0"
    }
  }
}
provider "aws" {
  region                      = "us-east-1"
  access_key                  = "test"
  secret_key                  = "test"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  default_tags {
    tags = {
      Team  = var.team
      Stage = "test"
    }
  }
  ignore_tags {
    keys         = ["LastSeen"]
    key_prefixes = ["kubernetes.io/"]
  }
}
resource "terraform_data" "x" {
  input = "v"
}
resource "aws_vpc" "none" {
  cidr_block = "10.0.0.0/16"
}
resource "aws_vpc" "own" {
  cidr_block = "10.1.0.0/16"
  tags = {
    Name = "own"
  }
}
resource "aws_vpc" "over" {
  cidr_block = "10.2.0.0/16"
  tags = {
    Team = "other"
    Name = "over"
  }
}
resource "aws_vpc" "empty" {
  cidr_block = "10.3.0.0/16"
  tags = {
    Name = ""
  }
}
resource "aws_vpc" "unknown" {
  cidr_block = "10.4.0.0/16"
  tags = {
    Name = terraform_data.x.output
  }
}
resource "aws_vpc_security_group_egress_rule" "r" {
  security_group_id = aws_vpc.own.default_security_group_id
  cidr_ipv4         = "10.0.0.0/8"
  ip_protocol       = "-1"
}
resource "aws_iam_role" "r" {
  name               = "r"
  assume_role_policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "ec2.amazonaws.com" } }] })
}
output "all" {
  value = { none = aws_vpc.none.tags_all, over = aws_vpc.over.tags_all }
}
