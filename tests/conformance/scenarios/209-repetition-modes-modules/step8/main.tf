output "none" {
  value = true
}
