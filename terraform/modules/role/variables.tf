variable "name" {
  description = "The role's name; it begins with music-assets, as the policy of who sets up the account has it."
  type        = string
}

variable "description" {
  description = "What it is for."
  type        = string
}

variable "services" {
  description = "The services that take it."
  type        = list(string)
}

variable "statements" {
  description = "What it allows."
  type        = any
}
