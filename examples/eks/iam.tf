# Two roles: the one EKS takes to run the control plane, and the one of the
# instances that become nodes.

locals {
  role_services = {
    cluster = "eks.amazonaws.com"
    node    = "ec2.amazonaws.com"
  }

  # AWS managed policies by role.
  managed_policies = {
    cluster = ["AmazonEKSClusterPolicy", "AmazonEKSVPCResourceController"]
    node    = ["AmazonEKSWorkerNodePolicy", "AmazonEKS_CNI_Policy", "AmazonEC2ContainerRegistryReadOnly"]
  }

  # The same as a flat map, one attachment an element.
  attachments = merge([
    for role, policies in local.managed_policies : {
      for policy in policies : "${role}/${policy}" => { role = role, policy = policy }
    }
  ]...)
}

data "aws_iam_policy_document" "assume" {
  for_each = local.role_services

  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = [each.value]
    }
  }
}

resource "aws_iam_role" "this" {
  for_each = local.role_services

  name               = "${var.name}-${each.key}"
  description        = "Role of the ${each.key} of EKS cluster ${var.name}"
  assume_role_policy = data.aws_iam_policy_document.assume[each.key].json
}

resource "aws_iam_role_policy_attachment" "this" {
  for_each = local.attachments

  role       = aws_iam_role.this[each.value.role].name
  policy_arn = "arn:${local.partition}:iam::aws:policy/${each.value.policy}"
}

# The control plane encrypts and decrypts secrets with the key of the cluster.
data "aws_iam_policy_document" "use_key" {
  statement {
    actions   = ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:ListGrants"]
    resources = [aws_kms_key.this.arn]
  }
}

resource "aws_iam_policy" "use_key" {
  name        = "${var.name}-use-key"
  description = "Use of the key of EKS cluster ${var.name}"
  policy      = data.aws_iam_policy_document.use_key.json
}

resource "aws_iam_role_policy_attachment" "use_key" {
  role       = aws_iam_role.this["cluster"].name
  policy_arn = aws_iam_policy.use_key.arn
}

# What runs on the nodes keeps its artifacts in the bucket of the cluster.
data "aws_iam_policy_document" "artifacts" {
  statement {
    sid       = "List"
    actions   = ["s3:ListBucket"]
    resources = [aws_s3_bucket.artifacts.arn]
  }

  statement {
    sid       = "ReadAndWrite"
    actions   = ["s3:GetObject", "s3:PutObject"]
    resources = ["${aws_s3_bucket.artifacts.arn}/*"]
  }

  statement {
    sid       = "Key"
    actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
    resources = [aws_kms_key.this.arn]
  }
}

resource "aws_iam_role_policy" "artifacts" {
  name   = "artifacts"
  role   = aws_iam_role.this["node"].id
  policy = data.aws_iam_policy_document.artifacts.json
}
