resource "aws_iam_role" "a" {
  name               = "a"
  assume_role_policy = "nothing"
}
resource "aws_iam_role" "b" {
  name                 = "has space"
  assume_role_policy   = "{}"
  max_session_duration = 10
}
resource "aws_iam_policy" "c" {
  name   = "c"
  policy = "{"
}
resource "aws_iam_role_policy" "d" {
  role   = "r"
  policy = ""
}
resource "aws_iam_role_policy_attachment" "e" {
  role       = "r"
  policy_arn = "nothing"
}
resource "aws_iam_role" "f" {
  name                 = "f"
  path                 = "nopath"
  permissions_boundary = "x"
  assume_role_policy   = "{}"
}
