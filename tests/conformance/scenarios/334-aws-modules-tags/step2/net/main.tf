variable "name" {
  type = string
}
variable "cidr" {
  type = string
  validation {
    condition     = can(cidrhost(var.cidr, 0))
    error_message = "Not a range."
  }
}
variable "zones" {
  type = number
}
variable "tags" {
  type    = map(string)
  default = {}
}
data "aws_availability_zones" "z" {
  state = "available"
}
locals {
  tags = merge(var.tags, { Name = var.name })
}
resource "aws_vpc" "v" {
  cidr_block = var.cidr
  tags       = local.tags
}
resource "aws_subnet" "s" {
  for_each          = { for i in range(var.zones) : data.aws_availability_zones.z.names[i] => i }
  vpc_id            = aws_vpc.v.id
  cidr_block        = cidrsubnet(var.cidr, 4, each.value)
  availability_zone = each.key
  tags              = merge(local.tags, { Zone = each.key })
}
output "vpc_id" {
  value = aws_vpc.v.id
}
output "subnet_ids" {
  value = [for s in aws_subnet.s : s.id]
}
output "tags" {
  value = aws_vpc.v.tags_all
}
