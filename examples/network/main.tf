# A network over three availability zones, and the security groups of a service
# with three tiers in it: load balancer, application, database.

terraform {
  required_version = ">= 1.5"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"
    }
  }
}

provider "aws" {
  region = var.region

  default_tags {
    tags = {
      Project     = var.name
      Environment = var.environment
      ManagedBy   = "secstack"
    }
  }
}

# Local and wavelength zones have to be opted into: they are not for everything.
data "aws_availability_zones" "available" {
  state = "available"

  filter {
    name   = "opt-in-status"
    values = ["opt-in-not-required"]
  }
}

locals {
  zones = slice(sort(data.aws_availability_zones.available.names), 0, var.zone_count)
}

module "network" {
  source = "../modules/network"

  name       = var.name
  cidr_block = var.cidr_block
  zones      = local.zones
}
