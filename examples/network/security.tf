# Who may talk to whom: internet -> load balancer -> application -> database.
# Rules refer to groups and not to ranges, so that they hold wherever an
# instance is placed.

locals {
  # Ports of the load balancer that are open to var.allowed_cidrs.
  public_ports = {
    http  = 80
    https = 443
  }

  # One rule for each port and range, with a key that says which.
  public_rules = {
    for pair in setproduct(keys(local.public_ports), var.allowed_cidrs) :
    "${pair[0]} ${pair[1]}" => { port = local.public_ports[pair[0]], cidr = pair[1] }
  }
}

resource "aws_security_group" "load_balancer" {
  name        = "${var.name}-load-balancer"
  description = "Load balancer: open to the outside"
  vpc_id      = module.network.vpc_id

  tags = {
    Name = "${var.name}-load-balancer"
  }
}

resource "aws_vpc_security_group_ingress_rule" "load_balancer" {
  for_each = local.public_rules

  security_group_id = aws_security_group.load_balancer.id
  description       = "From outside: ${each.key}"
  ip_protocol       = "tcp"
  from_port         = each.value.port
  to_port           = each.value.port
  cidr_ipv4         = each.value.cidr
}

resource "aws_vpc_security_group_egress_rule" "load_balancer_to_app" {
  security_group_id            = aws_security_group.load_balancer.id
  ip_protocol                  = "tcp"
  from_port                    = var.app_port
  to_port                      = var.app_port
  referenced_security_group_id = aws_security_group.app.id
}

resource "aws_security_group" "app" {
  name        = "${var.name}-app"
  description = "Application: reached through the load balancer only"
  vpc_id      = module.network.vpc_id

  tags = {
    Name = "${var.name}-app"
  }
}

resource "aws_vpc_security_group_ingress_rule" "app_from_load_balancer" {
  security_group_id            = aws_security_group.app.id
  ip_protocol                  = "tcp"
  from_port                    = var.app_port
  to_port                      = var.app_port
  referenced_security_group_id = aws_security_group.load_balancer.id
}

# The application calls services on the internet, through the NAT gateways.
resource "aws_vpc_security_group_egress_rule" "app_out" {
  security_group_id = aws_security_group.app.id
  description       = "To everywhere"
  ip_protocol       = "-1"
  cidr_ipv4         = "0.0.0.0/0"
}

# Rules may also stand in the group itself. The two styles must not be mixed
# within a group: here the group owns its rules, and removes others.
resource "aws_security_group" "database" {
  name        = "${var.name}-database"
  description = "Database: reached from the application only"
  vpc_id      = module.network.vpc_id

  ingress {
    description     = "PostgreSQL from the application"
    protocol        = "tcp"
    from_port       = 5432
    to_port         = 5432
    security_groups = [aws_security_group.app.id]
  }

  tags = {
    Name = "${var.name}-database"
  }
}
