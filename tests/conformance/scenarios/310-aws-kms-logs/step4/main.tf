resource "aws_cloudwatch_log_group" "g" {
  name              = "/app/two"
  retention_in_days = 17
}
resource "aws_kms_key" "k" {
  deletion_window_in_days = 3
  policy                  = "no json"
}
resource "aws_kms_alias" "a" {
  name          = "logs"
  target_key_id = aws_kms_key.k.key_id
}
