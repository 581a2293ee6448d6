resource "aws_vpc" "v" {
  cidr_block = "10.0.0.0/16"
}
resource "aws_subnet" "out" {
  vpc_id     = aws_vpc.v.id
  cidr_block = "10.9.1.0/24"
}
resource "aws_iam_role" "taken" {
  name               = "taken"
  assume_role_policy = jsonencode({ Version = "2012-10-17", Statement = [] })
}
resource "aws_cloudwatch_log_group" "taken" {
  name = "taken"
}
resource "aws_route_table_association" "a" {
  subnet_id      = "subnet-0123456789abcdef0"
  route_table_id = aws_vpc.v.main_route_table_id
}
resource "aws_iam_role_policy_attachment" "a" {
  role       = "taken"
  policy_arn = "arn:aws:iam::123456789012:policy/missing"
}
