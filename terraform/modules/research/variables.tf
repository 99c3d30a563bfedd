variable "name" {
  description = "Prefix of every name."
  type        = string
}

variable "running" {
  description = "Whether the machine is there; its data stays when it is not."
  type        = bool
}

variable "when_done" {
  description = "When the job has ended well: `terminate` the machine, or `stay` for the UI."
  type        = string
  validation {
    condition     = contains(["terminate", "stay"], var.when_done)
    error_message = "when_done takes terminate or stay."
  }
}

variable "instance_type" {
  description = "The machine: the MSD is read on all its cores, 16 GB do for a million songs."
  type        = string
}

variable "data_gb" {
  description = "Size of the disk that stays: ledger (5 KB a song), downloads, Dagster's history, in GB."
  type        = number
}

variable "keep_data" {
  description = "Whether destroying the disk leaves a snapshot of it."
  type        = bool
}

variable "vpc_id" {
  description = "The VPC."
  type        = string
}

variable "vpc_cidr" {
  description = "The VPC's addresses, in which the warehouse is."
  type        = string
}

variable "subnet_id" {
  description = "A public subnet."
  type        = string
}

variable "zone" {
  description = "The zone of that subnet; the disks must be in it."
  type        = string
}

variable "bucket" {
  description = "The bucket, by name and arn, that holds the code."
  type        = object({ name = string, arn = string })
}

variable "code_key" {
  description = "The code in it, a tar.gz of the repository (`make aws-research-up` puts it there)."
  type        = string
  default     = "code/music-assets.tar.gz"
}

variable "statements" {
  description = "IAM statements: stage, load and purge."
  type        = any
}

variable "environment" {
  description = "Settings, by name."
  type        = map(string)
}

variable "spotify_secret_arn" {
  description = "The secret for Spotify's credentials; it may be empty."
  type        = string
}

variable "msd_source" {
  description = "`snapshot` (the public one), `s3` (your copy in msd_bucket), or `subset` (10,000 songs, to try)."
  type        = string
  validation {
    condition     = contains(["snapshot", "s3", "subset"], var.msd_source)
    error_message = "msd_source takes snapshot, s3 or subset."
  }
}

variable "msd_snapshot" {
  description = "The snapshot of the MSD, in this region."
  type        = string
}

variable "msd_bucket" {
  description = "The bucket that holds your copy, for `s3`."
  type        = string
}
