# EKS would make this group itself, without encryption and kept forever.
resource "aws_cloudwatch_log_group" "control_plane" {
  name              = "/aws/eks/${var.name}/cluster"
  retention_in_days = var.log_retention_days
  kms_key_id        = aws_kms_key.this.arn
}

# Further group of the control plane: EKS adds its own for the nodes.
resource "aws_security_group" "control_plane" {
  name        = "${var.name}-control-plane"
  description = "API server of EKS cluster ${var.name}"
  vpc_id      = module.network.vpc_id

  tags = {
    Name = "${var.name}-control-plane"
  }
}

resource "aws_vpc_security_group_ingress_rule" "api_from_vpc" {
  security_group_id = aws_security_group.control_plane.id
  description       = "Kubernetes API from inside the VPC"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
  cidr_ipv4         = module.network.cidr_block
}

resource "aws_eks_cluster" "this" {
  name     = var.name
  version  = var.kubernetes_version
  role_arn = aws_iam_role.this["cluster"].arn

  enabled_cluster_log_types = ["api", "audit", "authenticator", "controllerManager", "scheduler"]

  vpc_config {
    subnet_ids              = values(module.network.private_subnet_ids)
    security_group_ids      = [aws_security_group.control_plane.id]
    endpoint_private_access = true
    endpoint_public_access  = length(var.public_access_cidrs) > 0
    public_access_cidrs     = length(var.public_access_cidrs) > 0 ? var.public_access_cidrs : null
  }

  encryption_config {
    resources = ["secrets"]

    provider {
      key_arn = aws_kms_key.this.arn
    }
  }

  access_config {
    authentication_mode                         = "API"
    bootstrap_cluster_creator_admin_permissions = true
  }

  # The rights must be there before the cluster and outlive it: without them
  # EKS cannot remove the network interfaces it made.
  depends_on = [
    aws_cloudwatch_log_group.control_plane,
    aws_iam_role_policy_attachment.this,
    aws_iam_role_policy_attachment.use_key,
  ]
}

resource "aws_eks_node_group" "default" {
  cluster_name    = aws_eks_cluster.this.name
  node_group_name = "default"
  node_role_arn   = aws_iam_role.this["node"].arn
  subnet_ids      = values(module.network.private_subnet_ids)

  instance_types = var.nodes.instance_types
  disk_size      = var.nodes.disk_gib
  labels         = merge({ "node-group" = "default" }, var.nodes.labels)

  scaling_config {
    min_size     = var.nodes.min
    max_size     = var.nodes.max
    desired_size = var.nodes.min
  }

  update_config {
    max_unavailable_percentage = 33
  }

  # The autoscaler sets the size from here on. Images come and logs go through
  # the NAT gateways, hence nodes only start once the network is whole.
  lifecycle {
    ignore_changes = [scaling_config[0].desired_size]
  }

  depends_on = [
    aws_iam_role_policy_attachment.this,
    module.network,
  ]
}

# Lets service accounts of the cluster take IAM roles.
resource "aws_iam_openid_connect_provider" "this" {
  url            = aws_eks_cluster.this.identity[0].oidc[0].issuer
  client_id_list = ["sts.amazonaws.com"]
}
