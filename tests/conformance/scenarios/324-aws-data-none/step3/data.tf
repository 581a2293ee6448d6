data "aws_vpc" "none" {
  filter {
    name   = "cidr"
    values = ["10.99.0.0/16"]
  }
}
data "aws_subnet" "none" {
  vpc_id = aws_vpc.b.id
}
data "aws_iam_role" "none" {
  name = "nobody"
}
data "aws_eks_cluster" "none" {
  name = "nothing"
}
data "aws_kms_alias" "none" {
  name = "alias/nothing"
}
