resource "aws_vpc" "a" {
  cidr_block = "10.0.0.0/33"
}
resource "aws_vpc" "b" {
  cidr_block          = "10.0.0.0/16"
  ipv4_ipam_pool_id   = "x"
  ipv4_netmask_length = 40
}
resource "aws_vpc" "c" {
  cidr_block       = "10.0.0.1/16"
  instance_tenancy = "shared"
}
resource "aws_subnet" "d" {
  vpc_id               = "vpc-1"
  cidr_block           = "10.0.0.0/24"
  availability_zone    = "us-east-1a"
  availability_zone_id = "use1-az1"
}
resource "aws_subnet" "e" {
  cidr_block = "nonsense"
}
