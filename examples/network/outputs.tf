output "vpc_id" {
  description = "ID of the VPC."
  value       = module.network.vpc_id
}

output "zones" {
  description = "Availability zones in use."
  value       = local.zones
}

output "public_subnet_ids" {
  description = "Public subnets by zone."
  value       = module.network.public_subnet_ids
}

output "private_subnet_ids" {
  description = "Private subnets by zone."
  value       = module.network.private_subnet_ids
}

output "nat_public_ips" {
  description = "Addresses to put on the allow lists of services outside."
  value       = values(module.network.nat_public_ips)
}

output "security_group_ids" {
  description = "Security groups by tier."
  value = {
    load_balancer = aws_security_group.load_balancer.id
    app           = aws_security_group.app.id
    database      = aws_security_group.database.id
  }
}
