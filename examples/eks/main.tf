# An EKS cluster with one managed node group in the private subnets of a
# three-zone network, its keys and roles, and a bucket for what runs on it.
#
#   main.tf     provider, zones, network
#   keys.tf     the KMS key and who may use it
#   iam.tf      roles of the control plane and of the nodes
#   cluster.tf  log group, cluster, node group, identity provider
#   storage.tf  the bucket

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

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

data "aws_region" "current" {}

# Local and wavelength zones have to be opted into, and EKS does not run there.
data "aws_availability_zones" "available" {
  state = "available"

  filter {
    name   = "opt-in-status"
    values = ["opt-in-not-required"]
  }
}

locals {
  account_id = data.aws_caller_identity.current.account_id
  partition  = data.aws_partition.current.partition
  region     = data.aws_region.current.name
  zones      = slice(sort(data.aws_availability_zones.available.names), 0, 3)
}

module "network" {
  source = "../modules/network"

  name       = var.name
  cidr_block = var.cidr_block
  zones      = local.zones

  # By these tags the load balancer controller finds where to place what.
  public_subnet_tags = {
    "kubernetes.io/role/elb"            = "1"
    "kubernetes.io/cluster/${var.name}" = "shared"
  }

  private_subnet_tags = {
    "kubernetes.io/role/internal-elb"   = "1"
    "kubernetes.io/cluster/${var.name}" = "shared"
  }
}
