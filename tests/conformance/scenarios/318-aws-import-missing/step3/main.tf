import {
  to = aws_iam_role_policy_attachment.a
  id = "role"
}
resource "aws_iam_role_policy_attachment" "a" {
  role       = "role"
  policy_arn = "arn:aws:iam::aws:policy/ReadOnlyAccess"
}
