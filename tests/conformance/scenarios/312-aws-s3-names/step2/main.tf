resource "aws_s3_bucket" "prefix" {
  bucket_prefix = "scenario-pre-"
  tags = {
    A = "1"
  }
}
resource "aws_s3_bucket" "named" {
  bucket = "scenario-named-two"
}
resource "aws_s3_bucket_public_access_block" "p" {
  bucket              = aws_s3_bucket.named.id
  block_public_policy = true
}
