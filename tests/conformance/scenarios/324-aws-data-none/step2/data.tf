data "aws_vpc" "two" {
  tags = {
    Name = "same"
  }
}
