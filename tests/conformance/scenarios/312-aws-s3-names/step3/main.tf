resource "aws_s3_bucket" "a" {
  bucket        = "scenario-a"
  bucket_prefix = "scenario-"
}
resource "aws_s3_bucket_versioning" "v" {
  bucket = "b"
  versioning_configuration {
    status = "On"
  }
}
resource "aws_s3_bucket_ownership_controls" "o" {
  bucket = "b"
  rule {
    object_ownership = "Me"
  }
}
resource "aws_s3_bucket_policy" "p" {
  bucket = "b"
  policy = "nothing"
}
