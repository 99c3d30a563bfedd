variable "name" {
  description = "Prefix of every name."
  type        = string
  default     = "music-assets-dev"
}

variable "region" {
  description = "The AWS region."
  type        = string
  default     = "us-east-1"
}

variable "client_cidrs" {
  description = "The addresses you work from, for example [\"203.0.113.7/32\"]: the only ones that reach the warehouse."
  type        = list(string)
}

variable "retention_days" {
  description = "After how many days Spotify content is removed (MUSIC_ASSETS_RETENTION_DAYS)."
  type        = number
  default     = 180
}

variable "rpu_hours_a_day" {
  description = "RPU-hours a day, after which the warehouse answers nothing more until tomorrow: 8 are one busy hour."
  type        = number
  default     = 16
}
