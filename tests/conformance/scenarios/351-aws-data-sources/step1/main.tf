
resource "aws_vpc" "v" {
  for_each   = { a = "10.0.0.0/16", b = "10.1.0.0/16" }
  cidr_block = each.value
  tags       = { Name = each.key, Role = "data" }
}
resource "aws_subnet" "s" {
  count             = 3
  vpc_id            = aws_vpc.v["a"].id
  cidr_block        = "10.0.${count.index}.0/24"
  availability_zone = "us-east-1${["a", "b", "c"][count.index]}"
  tags              = { Tier = count.index == 0 ? "public" : "private" }
}

