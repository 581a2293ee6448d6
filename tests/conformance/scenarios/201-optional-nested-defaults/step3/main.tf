variable "apps" {
  type = map(object({
    image    = string
    replicas = optional(number, 1)
    env      = optional(map(string), {})
    probes = optional(list(object({
      path    = optional(string, "/")
      timeout = optional(number, 5)
    })), [])
    resources = optional(object({
      cpu = optional(string, "100m")
      mem = optional(object({ req = optional(number, 1), lim = optional(number) }), { req = 2 })
    }))
  }))
  default = {
    a = { image = "nginx" }
    b = { image = "redis", probes = [{}, { path = "/x" }], resources = {} }
  }
}
resource "terraform_data" "app" {
  for_each = var.apps
  input    = each.value
}
output "apps" {
  value = var.apps
}
