variable "name" {
  description = "The repository's name."
  type        = string
}

variable "key_arn" {
  description = "KMS key that encrypts the images."
  type        = string
}

variable "force_delete" {
  description = "Whether `terraform destroy` may remove the repository with its images."
  type        = bool
  default     = false
}
