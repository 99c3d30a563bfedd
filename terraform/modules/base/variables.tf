variable "name" {
  description = "Prefix of every name."
  type        = string
}

variable "client_cidrs" {
  description = "The addresses that reach the warehouse from outside; with none it has no public address."
  type        = list(string)
}

variable "client_security_groups" {
  description = "Security groups that may connect to the warehouse, by a word that names them."
  type        = map(string)
  default     = {}
}

variable "retention_days" {
  description = "After how many days Spotify content is removed (MUSIC_ASSETS_RETENTION_DAYS)."
  type        = number
}

variable "rpu_hours_a_day" {
  description = "RPU-hours a day, after which the warehouse answers nothing more until tomorrow."
  type        = number
}
