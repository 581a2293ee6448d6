resource "aws_vpc" "main" {
  cidr_block = "10.0.0.0/16"
}
moved {
  from = aws_vpc.v
  to   = aws_vpc.main
}
moved {
  from = aws_subnet.s[0]
  to   = aws_subnet.s["a"]
}
moved {
  from = aws_subnet.s[1]
  to   = aws_subnet.s["b"]
}
resource "aws_subnet" "s" {
  for_each   = { a = 0, b = 1, c = 5 }
  vpc_id     = aws_vpc.main.id
  cidr_block = cidrsubnet(aws_vpc.main.cidr_block, 8, each.value)
}
removed {
  from = aws_cloudwatch_log_group.keep
  lifecycle {
    destroy = false
  }
}
