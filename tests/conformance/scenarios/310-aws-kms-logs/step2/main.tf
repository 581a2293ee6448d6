resource "aws_kms_key" "k" {
  description         = "all logs"
  enable_key_rotation = false
  policy = jsonencode({
    Version   = "2012-10-17"
    Id        = "p"
    Statement = [{ Sid = "All", Effect = "Allow", Principal = { AWS = "arn:aws:iam::123456789012:root" }, Action = "kms:*", Resource = "*" }]
  })
}
resource "aws_kms_key" "k2" {
  is_enabled = false
}
resource "aws_kms_alias" "a" {
  name          = "alias/logs"
  target_key_id = aws_kms_key.k2.key_id
}
resource "aws_kms_alias" "p" {
  name_prefix   = "alias/other-"
  target_key_id = aws_kms_key.k.arn
}
resource "aws_cloudwatch_log_group" "g" {
  name              = "/app/one"
  retention_in_days = 0
  kms_key_id        = aws_kms_key.k.arn
  skip_destroy      = true
}
resource "aws_cloudwatch_log_group" "p" {
  name_prefix       = "pre-"
  retention_in_days = 30
}
