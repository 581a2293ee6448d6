data "aws_iam_policy_document" "twice" {
  statement {
    sid     = "Same"
    actions = ["a:b"]
  }
  statement {
    sid     = "Same"
    actions = ["a:c"]
  }
}
