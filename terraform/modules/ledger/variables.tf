variable "name" {
  description = "The table's name."
  type        = string
}

variable "key_arn" {
  description = "KMS key that encrypts the table."
  type        = string
}

variable "recovery_days" {
  description = "Over how many days the table can be restored; purged Spotify content lives this much longer in backups."
  type        = number
  default     = 7
}

variable "deletion_protection" {
  description = "Whether AWS refuses to delete the table. Its answers cost weeks of requests."
  type        = bool
  default     = true
}
