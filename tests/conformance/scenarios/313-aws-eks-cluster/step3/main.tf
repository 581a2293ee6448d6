variable "max" {
  default = 2
}
data "aws_availability_zones" "z" {}
resource "aws_vpc" "v" {
  cidr_block = "10.0.0.0/16"
}
resource "aws_subnet" "s" {
  count             = 2
  vpc_id            = aws_vpc.v.id
  cidr_block        = cidrsubnet("10.0.0.0/16", 8, count.index)
  availability_zone = data.aws_availability_zones.z.names[count.index]
}
resource "aws_iam_role" "c" {
  name = "cluster"
  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "eks.amazonaws.com" } }]
  })
}
resource "aws_iam_role" "n" {
  name = "nodes"
  assume_role_policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = "ec2.amazonaws.com" } }]
  })
}
resource "aws_eks_cluster" "c" {
  name     = "main"
  role_arn = aws_iam_role.c.arn
  version  = "1.31"
  vpc_config {
    subnet_ids              = aws_subnet.s[*].id
    endpoint_private_access = true
  }
  enabled_cluster_log_types = ["api"]
  timeouts {
    create = "20m"
  }
  tags = {
    Name = "main"
  }
}
resource "aws_eks_node_group" "n" {
  cluster_name    = aws_eks_cluster.c.name
  node_group_name = "n"
  node_role_arn   = aws_iam_role.n.arn
  subnet_ids      = aws_subnet.s[*].id
  scaling_config {
    desired_size = 1
    max_size     = var.max
    min_size     = 1
  }
  labels = {
    a = "1"
  }
}
data "aws_eks_cluster" "c" {
  name = aws_eks_cluster.c.name
}
output "version" {
  value = data.aws_eks_cluster.c.version
}
