variable "name" {
  description = "Prefix of every name."
  type        = string
  default     = "music-assets-research"
}

variable "region" {
  description = "The AWS region; the public snapshot is in us-east-1."
  type        = string
  default     = "us-east-1"
}

variable "running" {
  description = "Whether the machine is there: `make aws-research-up` and `make aws-research-down` set it."
  type        = bool
  default     = false
}

variable "when_done" {
  description = "When the job has ended well: `terminate` the machine, or `stay` for the UI."
  type        = string
  default     = "terminate"
}

variable "instance_type" {
  description = "The machine."
  type        = string
  default     = "m7i.xlarge"
}

variable "data_gb" {
  description = "Size of the disk that stays, in GB: ledger, downloads, Dagster's history."
  type        = number
  default     = 40
}

variable "keep_data" {
  description = "Whether destroying the disk leaves a snapshot of it: the ledger cost days of requests."
  type        = bool
  default     = true
}

variable "client_cidrs" {
  description = "Addresses that reach the warehouse from outside, for example [\"203.0.113.7/32\"]; none by default."
  type        = list(string)
  default     = []
}

variable "retention_days" {
  description = "After how many days Spotify content is removed (MUSIC_ASSETS_RETENTION_DAYS)."
  type        = number
  default     = 180
}

variable "rpu_hours_a_day" {
  description = "RPU-hours a day, after which the warehouse answers nothing more until tomorrow."
  type        = number
  default     = 48
}

variable "msd_source" {
  description = "`snapshot` (the public one), `s3` (your copy in msd_bucket), or `subset` (10,000 songs, to try)."
  type        = string
  default     = "snapshot"
}

variable "msd_snapshot" {
  description = "The snapshot of the MSD, in this region."
  type        = string
  default     = "snap-5178cf30"
}

variable "msd_bucket" {
  description = "The bucket that holds your copy, for `s3`."
  type        = string
  default     = ""
}
