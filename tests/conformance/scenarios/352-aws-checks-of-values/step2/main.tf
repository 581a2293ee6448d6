variable "json" {
  type    = string
  default = ""
}
data "aws_iam_policy_document" "d" {
  source_json = var.json
  statement {
    actions   = ["s3:GetObject"]
    resources = ["*"]
  }
}
output "json" {
  value = data.aws_iam_policy_document.d.json
}
