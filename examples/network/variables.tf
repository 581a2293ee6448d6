variable "region" {
  description = "AWS region of the network."
  type        = string
  default     = "us-east-1"
}

variable "name" {
  description = "Name of the network; prefixes the names of what is in it."
  type        = string
  default     = "example"
}

variable "environment" {
  description = "Stage the network belongs to."
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

  validation {
    condition     = can(cidrhost(var.cidr_block, 0))
    error_message = "The range must be written in CIDR notation, such as 10.0.0.0/16."
  }
}

variable "zone_count" {
  description = "How many availability zones to use."
  type        = number
  default     = 3

  validation {
    condition     = var.zone_count >= 2 && var.zone_count <= 6 && floor(var.zone_count) == var.zone_count
    error_message = "Between two and six zones can be used."
  }
}

variable "allowed_cidrs" {
  description = "IPv4 ranges that may reach the load balancer."
  type        = set(string)
  default     = ["0.0.0.0/0"]

  validation {
    condition     = alltrue([for cidr in var.allowed_cidrs : can(cidrhost(cidr, 0))])
    error_message = "Every range must be written in CIDR notation."
  }
}

variable "app_port" {
  description = "Port the application listens on."
  type        = number
  default     = 8080

  validation {
    condition     = var.app_port >= 1024 && var.app_port <= 65535
    error_message = "The port must lie between 1024 and 65535, so that the application needs no privileges."
  }
}
