variable "name" {
  description = "Prefix of every name."
  type        = string
}

variable "cidr" {
  description = "The VPC's addresses; a /16 leaves room for everything here."
  type        = string
  default     = "10.42.0.0/16"
}

variable "nat" {
  description = "Whether private subnets reach the internet (Spotify) through a NAT gateway."
  type        = bool
}

variable "key_arn" {
  description = "KMS key that encrypts the flow logs."
  type        = string
}

variable "exclude_zone_ids" {
  description = "Zones not to use, by id, as names differ between accounts: `use1-az3` lacks current instance families."
  type        = list(string)
  default     = ["use1-az3"]
}
