resource "aws_security_group" "g" {
  ingres {
    from_port = 1
  }
  ingress {
    from_port = 1
    to_port   = "x"
    protocol  = "tcp"
    cidr      = []
  }
  timeouts {
    creat = "1m"
  }
}
resource "aws_eks_cluster" "c" {
  name = "c"
}
resource "aws_eks_node_group" "n" {
  cluster_name  = "c"
  node_role_arn = "arn:aws:iam::123456789012:role/x"
  subnet_ids    = []
  scaling_config {
    max_size = 0
  }
  scaling_config {
    desired_size = 1
    max_size     = 1
    min_size     = 1
  }
}
resource "aws_vpc" "v" {
  id         = "vpc-1"
  arn        = "x"
  cidr_block = ["10.0.0.0/16"]
  tags       = ["a"]
}
