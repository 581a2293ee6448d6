data "aws_partition" "here" {}
data "aws_iam_policy_document" "trust" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["ec2.amazonaws.com", "eks.amazonaws.com"]
    }
  }
}
data "aws_iam_policy_document" "read" {
  statement {
    actions   = ["s3:GetObject"]
    resources = ["arn:${data.aws_partition.here.partition}:s3:::b/*"]
  }
}
resource "aws_iam_role" "r" {
  name               = "app"
  path               = "/other/"
  assume_role_policy = data.aws_iam_policy_document.trust.json
}
resource "aws_iam_role" "p" {
  name_prefix           = "pre-"
  assume_role_policy    = data.aws_iam_policy_document.trust.json
  force_detach_policies = true
  description           = "later"
}
resource "aws_iam_policy" "p" {
  name        = "read"
  description = "new"
  policy      = data.aws_iam_policy_document.read.json
}
resource "aws_iam_role_policy" "inline" {
  name_prefix = "inline-"
  role        = aws_iam_role.r.id
  policy      = jsonencode({ Version = "2012-10-17", Statement = [{ Effect = "Allow", Action = "s3:*", Resource = "*" }] })
}
resource "aws_iam_role_policy_attachment" "a" {
  for_each   = { own = aws_iam_policy.p.arn }
  role       = aws_iam_role.r.name
  policy_arn = each.value
}
