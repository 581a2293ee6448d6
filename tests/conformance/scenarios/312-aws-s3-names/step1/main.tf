resource "aws_s3_bucket" "prefix" {
  bucket_prefix = "scenario-pre-"
}
resource "aws_s3_bucket" "made_up" {
}
resource "aws_s3_bucket" "named" {
  bucket = "scenario-named-one"
}
resource "aws_s3_bucket_public_access_block" "p" {
  bucket = aws_s3_bucket.named.id
}
