variable "secret" {
  default   = "hidden"
}
resource "aws_vpc" "v" {
  cidr_block = "10.0.0.0/16"
  tags = {
    Name   = "v"
    Secret = var.secret
  }
}
output "tags" {
  value = aws_vpc.v.tags
}
