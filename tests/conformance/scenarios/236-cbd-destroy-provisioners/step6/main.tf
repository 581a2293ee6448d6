variable "rev" {}
