resource "aws_eks_cluster" "a" {
  name     = "-bad-"
  role_arn = "arn"
  vpc_config {
    subnet_ids = ["subnet-1"]
  }
  kubernetes_network_config {
    service_ipv4_cidr = "8.8.8.0/24"
    ip_family         = "ipv5"
  }
  enabled_cluster_log_types = ["everything"]
}
resource "aws_eks_node_group" "n" {
  cluster_name           = "c"
  node_group_name        = "a"
  node_group_name_prefix = "b"
  node_role_arn          = "arn:aws:iam::123456789012:role/x"
  subnet_ids             = ["subnet-1"]
  capacity_type          = "CHEAP"
  scaling_config {
    desired_size = -1
    max_size     = 0
    min_size     = -1
  }
  update_config {
    max_unavailable            = 1
    max_unavailable_percentage = 10
  }
  taint {
    key    = "k"
    effect = "NONE"
  }
}
resource "aws_eks_access_entry" "e" {
  cluster_name  = "c"
  principal_arn = "x"
}
resource "aws_eks_addon" "d" {
  cluster_name                = "c"
  addon_name                  = "x"
  resolve_conflicts_on_create = "MAYBE"
  configuration_values        = "{"
}
