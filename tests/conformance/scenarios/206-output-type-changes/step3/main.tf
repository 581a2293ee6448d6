output "unk" {
  value     = null
}
output "nul" {
  value = null
}
