output "pw" {
  value     = "secret"
  sensitive = true
}
output "obj" {
  value     = { a = 1, b = sensitive("x") }
}
output "plain" {
  value = nonsensitive(sensitive("p"))
}
