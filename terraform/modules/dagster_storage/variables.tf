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

variable "task_security_group" {
  description = "The tasks that connect."
  type        = string
}

variable "key_arn" {
  description = "KMS key that encrypts the database and its password."
  type        = string
}

variable "instance_class" {
  description = "The database's size; Dagster's events of a million songs are a few gigabytes, their responses five."
  type        = string
  default     = "db.t4g.small"
}

variable "multi_az" {
  description = "Whether a second zone stands by."
  type        = bool
  default     = false
}

variable "deletion_protection" {
  description = "Whether AWS refuses to delete the database, and leaves a snapshot when it is deleted."
  type        = bool
  default     = true
}
