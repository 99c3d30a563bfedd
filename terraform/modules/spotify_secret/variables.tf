variable "name" {
  description = "Prefix of the secret's name."
  type        = string
}

variable "key_arn" {
  description = "KMS key that encrypts it."
  type        = string
}

variable "protect" {
  description = "Whether the secret can be brought back for 30 days after it is deleted."
  type        = bool
  default     = true
}
