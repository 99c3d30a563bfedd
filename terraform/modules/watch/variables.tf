variable "name" {
  description = "Prefix of every name, and the metrics' namespace."
  type        = string
}

variable "key_arn" {
  description = "KMS key that encrypts the topic."
  type        = string
}

variable "alert_emails" {
  description = "Who is told. Each address is asked to confirm."
  type        = list(string)
}

variable "log_groups" {
  description = "The log groups of `run` and `daemon`."
  type        = map(string)
}

variable "cluster_name" {
  description = "The ECS cluster."
  type        = string
}

variable "storage_instance_id" {
  description = "The instance of Dagster's storage."
  type        = string
}

variable "publishing_job" {
  description = "The job whose success means that the tables are fresh."
  type        = string
}

variable "deadline" {
  description = "When the tables must be fresh, as a schedule expression in `timezone`."
  type        = string
  default     = "cron(0 7 * * ? *)"
}

variable "timezone" {
  description = "The time zone of the deadline (MUSIC_ASSETS_TIMEZONE)."
  type        = string
}

variable "fresh_hours" {
  description = "How long before the deadline a publishing run still counts."
  type        = number
  default     = 8
}

variable "budget_usd" {
  description = "US dollars a month: at 80 % spent, or 100 % expected, people are told."
  type        = number
}

variable "budget_by_tag" {
  description = "Whether the budget counts what is tagged as this project's alone, not the whole account."
  type        = bool
}

variable "workgroup" {
  description = "Redshift Serverless's workgroup, or nothing."
  type        = string
}

variable "rpu_hours_a_day" {
  description = "RPU-hours a day of which people are told."
  type        = number
}

variable "msd_group" {
  description = "The auto scaling group of instances with the MSD, or nothing."
  type        = string
}
