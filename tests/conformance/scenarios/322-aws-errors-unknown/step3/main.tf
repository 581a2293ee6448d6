resource "aws_s3_bucket_server_side_encryption_configuration" "e" {
  bucket = "b"
}
resource "aws_s3_bucket_versioning" "v" {
  bucket = "b"
  versioning_configuration {
  }
  versioning_configuration {
    status = "Enabled"
  }
}
resource "aws_s3_bucket_public_access_block" "p" {
  bucket            = "b"
  block_public_acls = "maybe"
}
resource "aws_iam_role" "r" {
  name        = "a"
  name_prefix = "b"
}
resource "aws_iam_role" "s" {
  name                 = "has space"
  assume_role_policy   = "{}"
  max_session_duration = 10
}
