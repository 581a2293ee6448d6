variable "name" {
  description = "Name of the network; prefixes the Name tag of everything in it."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,38}[a-z0-9]$", var.name))
    error_message = "The name must have 3 to 40 lower-case letters, digits or hyphens, and start with a letter."
  }
}

variable "cidr_block" {
  description = "IPv4 range of the VPC. It is cut into /20s and /24s (for a /16), so a /16 to /20 fits."
  type        = string

  validation {
    condition     = can(cidrhost(var.cidr_block, 0))
    error_message = "The range must be written in CIDR notation, such as 10.0.0.0/16."
  }

  validation {
    condition     = try(tonumber(split("/", var.cidr_block)[1]) >= 16 && tonumber(split("/", var.cidr_block)[1]) <= 20, false)
    error_message = "The prefix must lie between /16 and /20."
  }
}

variable "zones" {
  description = "Names of the availability zones to spread over. The order decides which zone gets which range."
  type        = list(string)

  validation {
    condition     = length(var.zones) >= 2 && length(var.zones) <= 6
    error_message = "Between two and six zones can be used."
  }

  validation {
    condition     = length(distinct(var.zones)) == length(var.zones)
    error_message = "Each zone may be named once."
  }
}

variable "public_subnet_tags" {
  description = "Further tags of the public subnets."
  type        = map(string)
  default     = {}
}

variable "private_subnet_tags" {
  description = "Further tags of the private subnets."
  type        = map(string)
  default     = {}
}
