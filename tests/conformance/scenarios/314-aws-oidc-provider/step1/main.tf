resource "aws_iam_openid_connect_provider" "p" {
  url             = "https://oidc.example.com/id/one"
  client_id_list  = ["sts.amazonaws.com"]
  thumbprint_list = ["9e99a48a9960b14926bb7f3b02e22da2b0ab7280"]
}
data "aws_iam_policy_document" "trust" {
  statement {
    actions = ["sts:AssumeRoleWithWebIdentity"]
    principals {
      type        = "Federated"
      identifiers = [aws_iam_openid_connect_provider.p.arn]
    }
    condition {
      test     = "StringEquals"
      variable = "${replace(aws_iam_openid_connect_provider.p.url, "https://", "")}:sub"
      values   = ["system:serviceaccount:kube-system:x"]
    }
  }
}
resource "aws_iam_role" "r" {
  name               = "irsa"
  assume_role_policy = data.aws_iam_policy_document.trust.json
}
