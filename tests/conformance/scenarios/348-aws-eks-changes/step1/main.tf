
resource "aws_vpc" "v" {
  cidr_block = "10.0.0.0/16"
}
resource "aws_subnet" "s" {
  for_each          = toset(["us-east-1a", "us-east-1b"])
  vpc_id            = aws_vpc.v.id
  cidr_block        = cidrsubnet("10.0.0.0/16", 8, each.key == "us-east-1a" ? 0 : 1)
  availability_zone = each.key
}
resource "aws_iam_role" "r" {
  name               = "eks"
  assume_role_policy = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "eks.amazonaws.com" } }] })
}
resource "aws_kms_key" "k" {}
resource "aws_eks_cluster" "c" {
  name     = "c"
  role_arn = aws_iam_role.r.arn
  version  = "1.30"
  enabled_cluster_log_types = ["api", "audit"]
  vpc_config {
    subnet_ids              = values(aws_subnet.s)[*].id
    endpoint_private_access = true
    public_access_cidrs     = ["10.0.0.0/8"]
  }
  encryption_config {
    resources = ["secrets"]
    provider {
      key_arn = aws_kms_key.k.arn
    }
  }
  access_config {
    authentication_mode = "API_AND_CONFIG_MAP"
  }
  kubernetes_network_config {
    service_ipv4_cidr = "172.20.0.0/16"
  }
  tags = { Name = "c" }
  depends_on = [aws_iam_role.r]
}
resource "aws_eks_node_group" "n" {
  for_each        = { a = 1, b = 2 }
  cluster_name    = aws_eks_cluster.c.name
  node_group_name = "n-${each.key}"
  node_role_arn   = aws_iam_role.r.arn
  subnet_ids      = values(aws_subnet.s)[*].id
  capacity_type   = "SPOT"
  instance_types  = ["t3.large"]
  labels          = { tier = each.key }
  scaling_config {
    min_size     = 1
    max_size     = 3
    desired_size = each.value
  }
  update_config {
    max_unavailable = 1
  }
  taint {
    key    = "dedicated"
    value  = each.key
    effect = "NO_SCHEDULE"
  }
  lifecycle {
    ignore_changes = [scaling_config[0].desired_size]
  }
}
output "issuer" {
  value = aws_eks_cluster.c.identity[0].oidc[0].issuer
}
output "ca" {
  value = aws_eks_cluster.c.certificate_authority[0].data
}
