variable "rules" {
  default = {
    in  = [{ port = 80, from = ["10.0.0.0/8"] }, { port = 443, from = [] }]
    out = []
  }
}
resource "aws_vpc" "v" {
  cidr_block = "10.0.0.0/16"
}
resource "aws_internet_gateway" "g" {
  vpc_id = aws_vpc.v.id
}
resource "aws_route_table" "t" {
  vpc_id = aws_vpc.v.id
  dynamic "route" {
    for_each = { "0.0.0.0/0" = aws_internet_gateway.g.id, "172.16.0.0/12" = aws_internet_gateway.g.id }
    content {
      cidr_block = route.key
      gateway_id = route.value
    }
  }
}
resource "aws_network_acl" "n" {
  vpc_id = aws_vpc.v.id
  dynamic "ingress" {
    for_each = var.rules.in
    content {
      rule_no    = 100 + ingress.key
      protocol   = "tcp"
      action     = length(ingress.value.from) > 0 ? "allow" : "deny"
      from_port  = ingress.value.port
      to_port    = ingress.value.port
      cidr_block = try(ingress.value.from[0], "0.0.0.0/0")
    }
  }
  dynamic "egress" {
    for_each = var.rules.out
    content {
      rule_no    = 100
      protocol   = "tcp"
      action     = "allow"
      from_port  = egress.value.port
      to_port    = egress.value.port
      cidr_block = "0.0.0.0/0"
    }
  }
}
resource "aws_security_group" "list" {
  name    = "list"
  vpc_id  = aws_vpc.v.id
  ingress = []
  egress = [{
    from_port        = 0
    to_port          = 0
    protocol         = "-1"
    cidr_blocks      = ["0.0.0.0/0"]
    ipv6_cidr_blocks = null
    description      = null
    prefix_list_ids  = null
    security_groups  = null
    self             = null
  }]
}
resource "aws_security_group" "unknown" {
  name   = "unknown"
  vpc_id = aws_vpc.v.id
  dynamic "ingress" {
    for_each = [aws_vpc.v.id]
    content {
      from_port   = 1
      to_port     = 1
      protocol    = "tcp"
      description = ingress.value
      self        = true
    }
  }
}
data "aws_iam_policy_document" "d" {
  dynamic "statement" {
    for_each = { A = ["s3:GetObject"], B = ["ec2:*", "iam:*"] }
    content {
      sid       = statement.key
      actions   = statement.value
      resources = ["*"]
      dynamic "condition" {
        for_each = statement.key == "B" ? [1, 2] : []
        content {
          test     = "StringLike"
          variable = "k${condition.value}"
          values   = ["v"]
        }
      }
    }
  }
}
output "doc" {
  value = data.aws_iam_policy_document.d.json
}
