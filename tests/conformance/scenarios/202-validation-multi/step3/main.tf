variable "env" {
  type = string
  validation {
    condition     = contains(["dev", "prod"], var.env)
    error_message = "env is ${var.env}, want dev or prod."
  }
}
variable "zones" {
  type = list(string)
  validation {
    condition     = length(var.zones) > 0
    error_message = "At least one zone."
  }
  validation {
    condition     = alltrue([for z in var.zones : length(z) == 1])
    error_message = "Zones have one letter: ${join(", ", var.zones)}."
  }
  validation {
    condition     = var.env != "prod" || length(var.zones) > 1
    error_message = "prod needs two zones"
  }
}
output "z" {
  value = var.zones
}
