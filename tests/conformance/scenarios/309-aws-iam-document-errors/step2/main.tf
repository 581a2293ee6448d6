data "aws_iam_policy_document" "version" {
  version = "2020-01-01"
  statement {
    effect    = "Maybe"
    actions   = ["a:b"]
    resources = ["*"]
  }
}
