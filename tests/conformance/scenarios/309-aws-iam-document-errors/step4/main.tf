data "aws_iam_policy_document" "args" {
  statement {
    action    = ["a:b"]
    resources = ["*"]
  }
  statements {
    actions = ["a:b"]
  }
}
