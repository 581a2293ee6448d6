data "aws_vpc" "one" {
  cidr_block = aws_vpc.a.cidr_block
}
data "aws_vpc" "by_id" {
  id = aws_vpc.b.id
}
data "aws_subnets" "all" {
  filter {
    name   = "vpc-id"
    values = [aws_vpc.a.id]
  }
}
data "aws_subnets" "public" {
  filter {
    name   = "vpc-id"
    values = [aws_vpc.a.id]
  }
  tags = {
    Tier = "public"
  }
}
data "aws_subnets" "none" {
  filter {
    name   = "vpc-id"
    values = ["vpc-00000000000000000"]
  }
}
data "aws_subnet" "each" {
  for_each = toset(data.aws_subnets.all.ids)
  id       = each.value
}
data "aws_subnet" "by_range" {
  vpc_id     = aws_vpc.a.id
  cidr_block = "10.0.1.0/24"
}
data "aws_availability_zones" "some" {
  exclude_names = ["us-east-1a"]
  filter {
    name   = "opt-in-status"
    values = ["opt-in-not-required"]
  }
}
output "counts" {
  value = [length(data.aws_subnets.all.ids), length(data.aws_subnets.public.ids), length(data.aws_subnets.none.ids)]
}
output "ranges" {
  value = sort([for s in data.aws_subnet.each : s.cidr_block])
}
output "zones" {
  value = data.aws_availability_zones.some.names
}
