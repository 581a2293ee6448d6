data "aws_iam_policy_document" "json" {
  source_policy_documents = ["{"]
}
