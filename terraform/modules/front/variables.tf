variable "name" {
  description = "Prefix of every name."
  type        = string
}

variable "vpc_id" {
  description = "The VPC."
  type        = string
}

variable "subnet_ids" {
  description = "Private subnets."
  type        = list(string)
}

variable "client_cidrs" {
  description = "Addresses that may ask to sign in: the VPC's own, a VPN's."
  type        = list(string)
  validation {
    condition     = alltrue([for cidr in var.client_cidrs : tonumber(split("/", cidr)[1]) >= 8])
    error_message = "The UI is never open to the world: name private networks of /8 or narrower."
  }
}

variable "hostname" {
  description = "The name people type, for example dagster.example.org; point it at the load balancer."
  type        = string
}

variable "certificate_arn" {
  description = "The ACM certificate for that name."
  type        = string
}

variable "sign_in_prefix" {
  description = "First label of Cognito's sign-in page; the world shares these names, so choose one of your own."
  type        = string
}

variable "port" {
  description = "The webserver's port."
  type        = number
  default     = 3000
}
