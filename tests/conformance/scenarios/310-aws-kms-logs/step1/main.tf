resource "aws_kms_key" "k" {
  description             = "logs"
  deletion_window_in_days = 7
  enable_key_rotation     = true
  tags = {
    Name = "logs"
  }
}
resource "aws_kms_alias" "a" {
  name          = "alias/logs"
  target_key_id = aws_kms_key.k.key_id
}
resource "aws_kms_alias" "p" {
  name_prefix   = "alias/pre-"
  target_key_id = aws_kms_key.k.arn
}
resource "aws_cloudwatch_log_group" "g" {
  name              = "/app/one"
  retention_in_days = 14
  kms_key_id        = aws_kms_key.k.arn
}
resource "aws_cloudwatch_log_group" "p" {
  name_prefix = "pre-"
  tags = {
    Name = "p"
  }
}
resource "aws_cloudwatch_log_group" "n" {
}
