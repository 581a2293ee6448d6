variable "region" {
  description = "AWS region of the cluster."
  type        = string
  default     = "us-east-1"
}

variable "name" {
  description = "Name of the cluster; prefixes the names of everything around it."
  type        = string
  default     = "platform"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,28}[a-z0-9]$", var.name))
    error_message = "The name must have 3 to 30 lower-case letters, digits or hyphens, and start with a letter."
  }
}

variable "environment" {
  description = "Stage the cluster belongs to."
  type        = string
  default     = "dev"

  validation {
    condition     = contains(["dev", "staging", "prod"], var.environment)
    error_message = "The environment is one of dev, staging and prod."
  }
}

variable "cidr_block" {
  description = "IPv4 range of the VPC."
  type        = string
  default     = "10.0.0.0/16"
}

variable "kubernetes_version" {
  description = "Minor version of Kubernetes."
  type        = string
  default     = "1.31"

  validation {
    condition     = can(regex("^1\\.[0-9]{2}$", var.kubernetes_version))
    error_message = "The version is written as 1.NN, without a patch level."
  }
}

variable "public_access_cidrs" {
  description = "IPv4 ranges that may reach the API server from outside the VPC; empty closes it to the outside."
  type        = list(string)
  default     = []

  validation {
    condition     = !contains(var.public_access_cidrs, "0.0.0.0/0")
    error_message = "The API server is not to be open to the whole internet."
  }
}

variable "nodes" {
  description = "Size and kind of the node group."
  type = object({
    instance_types = optional(list(string), ["m6i.large"])
    min            = optional(number, 3)
    max            = optional(number, 6)
    disk_gib       = optional(number, 50)
    labels         = optional(map(string), {})
  })
  default = {}

  validation {
    condition     = var.nodes.min >= 1 && var.nodes.min <= var.nodes.max
    error_message = "The group needs at least one node, and its maximum must not be below its minimum."
  }

  validation {
    condition     = length(var.nodes.instance_types) > 0
    error_message = "At least one instance type is needed."
  }
}

variable "log_retention_days" {
  description = "For how long the logs of the control plane are kept."
  type        = number
  default     = 90

  validation {
    condition     = contains([30, 60, 90, 180, 365], var.log_retention_days)
    error_message = "Logs are kept for 30, 60, 90, 180 or 365 days."
  }
}
