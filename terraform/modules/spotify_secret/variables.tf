variable "name" {
  description = "Prefix of the secret's name."
  type        = string
}

variable "key_arn" {
  description = "KMS key that encrypts it."
  type        = string
}
