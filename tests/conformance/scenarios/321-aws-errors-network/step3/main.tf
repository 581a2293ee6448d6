resource "aws_security_group" "a" {
  name        = "sg-bad"
  name_prefix = "x-"
}
resource "aws_security_group" "b" {
  name        = "sg-bad"
  description = ""
}
resource "aws_security_group" "c" {
  name = "ok"
  ingress {
    from_port   = 0
    to_port     = 70000
    protocol    = "tcp"
    cidr_blocks = ["10.0.0.0"]
  }
}
resource "aws_security_group_rule" "d" {
  type              = "inside"
  security_group_id = "sg-1"
  protocol          = "tcp"
  from_port         = 1
  to_port           = 1
  self              = true
  cidr_blocks       = ["0.0.0.0/0"]
}
resource "aws_security_group_rule" "e" {
  type              = "ingress"
  security_group_id = "sg-1"
  protocol          = "tcp"
  from_port         = 1
  to_port           = 1
}
