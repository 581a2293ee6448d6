resource "aws_iam_openid_connect_provider" "p" {
  url             = "https://oidc.example.com/id/one"
  client_id_list  = ["sts.amazonaws.com"]
  thumbprint_list = ["9e99a48a9960b14926bb7f3b02e22da2b0ab7281"]
  tags = {
    Name = "p"
  }
}
data "aws_iam_openid_connect_provider" "d" {
  url = aws_iam_openid_connect_provider.p.url
}
output "ids" {
  value = data.aws_iam_openid_connect_provider.d.client_id_list
}
