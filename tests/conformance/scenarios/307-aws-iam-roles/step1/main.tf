data "aws_caller_identity" "me" {}
data "aws_partition" "here" {}
data "aws_region" "here" {}
data "aws_iam_policy_document" "trust" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["ec2.amazonaws.com"]
    }
  }
}
data "aws_iam_policy_document" "read" {
  statement {
    sid       = "Read"
    actions   = ["s3:GetObject", "s3:ListBucket"]
    resources = ["arn:${data.aws_partition.here.partition}:s3:::b", "arn:${data.aws_partition.here.partition}:s3:::b/*"]
    condition {
      test     = "StringEquals"
      variable = "aws:RequestedRegion"
      values   = [data.aws_region.here.name]
    }
  }
}
resource "aws_iam_role" "r" {
  name                 = "app"
  path                 = "/team/"
  assume_role_policy   = data.aws_iam_policy_document.trust.json
  max_session_duration = 7200
  description          = "of the app"
  tags = {
    Account = data.aws_caller_identity.me.account_id
  }
}
resource "aws_iam_role" "p" {
  name_prefix        = "pre-"
  assume_role_policy = data.aws_iam_policy_document.trust.json
  inline_policy {
    name   = "inner"
    policy = data.aws_iam_policy_document.read.json
  }
}
resource "aws_iam_policy" "p" {
  name   = "read"
  policy = data.aws_iam_policy_document.read.json
}
resource "aws_iam_role_policy" "inline" {
  name   = "inline"
  role   = aws_iam_role.r.id
  policy = data.aws_iam_policy_document.read.json
}
resource "aws_iam_role_policy_attachment" "a" {
  for_each   = { own = aws_iam_policy.p.arn, ssm = "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore" }
  role       = aws_iam_role.r.name
  policy_arn = each.value
}
output "role" {
  value = aws_iam_role.r.arn
}
output "json" {
  value = data.aws_iam_policy_document.read.json
}
