
resource "aws_vpc" "v" {
  for_each   = { a = "10.0.0.0/16", b = "10.1.0.0/16" }
  cidr_block = each.value
  tags       = { Name = each.key, Role = "data" }
}
resource "aws_subnet" "s" {
  count             = 3
  vpc_id            = aws_vpc.v["a"].id
  cidr_block        = "10.0.${count.index}.0/24"
  availability_zone = "us-east-1${["a", "b", "c"][count.index]}"
  tags              = { Tier = count.index == 0 ? "public" : "private" }
}

data "aws_vpc" "id" {
  id = aws_vpc.v["a"].id
}
data "aws_vpc" "tags" {
  tags = { Name = "b", Role = "data" }
}
data "aws_vpc" "filter" {
  filter {
    name   = "cidr-block"
    values = ["10.1.0.0/16"]
  }
}
data "aws_subnets" "private" {
  filter {
    name   = "vpc-id"
    values = [aws_vpc.v["a"].id]
  }
  tags = { Tier = "none" }
}
data "aws_subnet" "each" {
  for_each = toset(data.aws_subnets.private.ids)
  id       = each.value
}
data "aws_subnet" "one" {
  vpc_id            = aws_vpc.v["a"].id
  availability_zone = "us-east-1a"
}
data "aws_availability_zones" "z" {
  exclude_names = ["us-east-1b"]
  filter {
    name   = "zone-type"
    values = ["availability-zone"]
  }
}
data "aws_partition" "p" {}
data "aws_region" "r" {}
data "aws_region" "other" {
  name = "eu-central-1"
}
data "aws_caller_identity" "me" {}
data "aws_iam_policy_document" "base" {
  policy_id = "base"
  statement {
    sid       = "A"
    actions   = ["s3:GetObject"]
    resources = ["arn:${data.aws_partition.p.partition}:s3:::x/*"]
  }
  statement {
    sid         = "B"
    effect      = "Deny"
    not_actions = ["iam:*"]
    resources   = ["*"]
    not_principals {
      type        = "AWS"
      identifiers = ["arn:aws:iam::123456789012:root", "*"]
    }
  }
}
data "aws_iam_policy_document" "merged" {
  source_policy_documents   = [data.aws_iam_policy_document.base.json]
  override_policy_documents = [jsonencode({ Version = "2012-10-17", Statement = [{ Sid = "A", Effect = "Allow", Action = "s3:PutObject", Resource = "*" }] })]
  statement {
    sid     = "C"
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["eks.amazonaws.com", "ec2.amazonaws.com"]
    }
    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [data.aws_caller_identity.me.account_id, "1"]
    }
  }
}
output "out" {
  value = {
    cidrs    = sort([for s in data.aws_subnet.each : s.cidr_block])
    one      = data.aws_subnet.one.cidr_block
    zones    = data.aws_availability_zones.z.names
    region   = data.aws_region.r.name
    endpoint = data.aws_region.other.endpoint
    dns      = data.aws_partition.p.dns_suffix
    merged   = data.aws_iam_policy_document.merged.json
    minified = data.aws_iam_policy_document.merged.minified_json
    main     = data.aws_vpc.id.main_route_table_id == aws_vpc.v["a"].main_route_table_id
    state    = data.aws_vpc.tags.state
  }
}

