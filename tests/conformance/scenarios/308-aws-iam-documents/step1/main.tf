resource "aws_iam_policy" "later" {
  name   = "later"
  policy = data.aws_iam_policy_document.merged.json
}
data "aws_iam_policy_document" "base" {
  version   = "2012-10-17"
  policy_id = "base"
  statement {
    sid       = "One"
    effect    = "Deny"
    actions   = ["s3:*"]
    resources = ["*"]
    not_principals {
      type        = "AWS"
      identifiers = ["arn:aws:iam::123456789012:root"]
    }
    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
    condition {
      test     = "NumericLessThan"
      variable = "s3:TlsVersion"
      values   = [1.2]
    }
  }
  statement {
    sid       = "Two"
    actions   = ["ec2:B", "ec2:A"]
    resources = ["b", "a"]
  }
}
data "aws_iam_policy_document" "over" {
  statement {
    sid         = "Two"
    not_actions = ["iam:*"]
    resources   = ["*"]
  }
}
data "aws_iam_policy_document" "merged" {
  source_policy_documents   = [data.aws_iam_policy_document.base.json]
  override_policy_documents = [data.aws_iam_policy_document.over.json]
  statement {
    sid       = "Three"
    actions   = ["sqs:SendMessage"]
    resources = ["arn:aws:sqs:*:*:&{aws:username}"]
    principals {
      type        = "*"
      identifiers = ["*"]
    }
  }
}
data "aws_iam_policy_document" "unknown" {
  statement {
    actions   = ["iam:GetPolicy"]
    resources = [aws_iam_policy.later.arn]
    principals {
      type        = "Federated"
      identifiers = ["a", "b"]
    }
    principals {
      type        = "AWS"
      identifiers = ["123456789012"]
    }
  }
}
data "aws_iam_policy_document" "none" {}
output "merged" {
  value = data.aws_iam_policy_document.merged.json
}
output "small" {
  value = data.aws_iam_policy_document.merged.minified_json
}
output "unknown" {
  value = data.aws_iam_policy_document.unknown.json
}
output "none" {
  value = data.aws_iam_policy_document.none.json
}
