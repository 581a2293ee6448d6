terraform {
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.0, < 6.0"
    }
  }
}
provider "aws" {
  region                      = "us-east-1"
  access_key                  = "test"
  secret_key                  = "test"
  skip_credentials_validation = true
}
provider "aws" {
  alias                       = "west"
  region                      = "eu-west-1"
  access_key                  = "test"
  secret_key                  = "test"
  skip_credentials_validation = true
  default_tags {
    tags = { Where = "west" }
  }
}
provider "aws" {
  alias      = "role"
  region     = "us-west-2"
  access_key = "test"
  secret_key = "test"
  assume_role {
    role_arn     = "arn:aws:iam::123456789012:role/deploy"
    session_name = "scenario"
    external_id  = "x"
  }
}
data "aws_region" "r" {
  provider = aws.west
}
data "aws_caller_identity" "role" {
  provider = aws.role
}
data "aws_availability_zones" "z" {
  provider = aws.west
}
module "net" {
  source = "./net"
  providers = {
    aws       = aws.west
    aws.other = aws.role
  }
}
output "region" {
  value = data.aws_region.r.name
}
output "zones" {
  value = data.aws_availability_zones.z.names
}
output "arn" {
  value = data.aws_caller_identity.role.arn
}
output "module" {
  value = module.net.arns
}
