resource "aws_vpc" "a" {
  cidr_block = "10.0.0.0/16"
  tags = {
    Name = "same"
  }
}
resource "aws_vpc" "b" {
  cidr_block = "10.1.0.0/16"
  tags = {
    Name = "same"
  }
}
resource "aws_subnet" "s" {
  count      = 2
  vpc_id     = aws_vpc.a.id
  cidr_block = "10.0.${count.index}.0/24"
  tags = {
    Tier = count.index == 0 ? "public" : "private"
  }
}
