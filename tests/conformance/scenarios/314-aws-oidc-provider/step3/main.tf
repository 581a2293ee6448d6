resource "aws_iam_openid_connect_provider" "p" {
  url            = "http://oidc.example.com/id/one"
  client_id_list  = ["sts.amazonaws.com"]
}
