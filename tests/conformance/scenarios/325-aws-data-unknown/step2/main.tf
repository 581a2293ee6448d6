resource "aws_vpc" "v" {
  cidr_block = "10.0.0.0/16"
}
resource "aws_subnet" "s" {
  vpc_id     = aws_vpc.v.id
  cidr_block = "10.0.1.0/24"
}
data "aws_vpc" "v" {
  id = aws_vpc.v.id
}
data "aws_subnets" "s" {
  filter {
    name   = "vpc-id"
    values = [aws_vpc.v.id]
  }
  depends_on = [aws_subnet.s]
}
data "aws_subnet" "s" {
  id = aws_subnet.s.id
}
resource "aws_iam_role" "r" {
  name               = "r"
  assume_role_policy = data.aws_iam_policy_document.d.json
}
data "aws_iam_policy_document" "d" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["ec2.amazonaws.com"]
    }
    condition {
      test     = "StringEquals"
      variable = "aws:SourceVpc"
      values   = [aws_vpc.v.id]
    }
  }
}
data "aws_iam_role" "r" {
  name = aws_iam_role.r.id
}
output "v" {
  value = data.aws_vpc.v.cidr_block
}
output "n" {
  value = length(data.aws_subnets.s.ids)
}
output "trust" {
  value = data.aws_iam_role.r.assume_role_policy
}
