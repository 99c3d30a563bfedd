variable "name" {
  description = "Prefix of every name."
  type        = string
}

variable "image" {
  description = "The image, with its tag."
  type        = string
}

variable "environment" {
  description = "Settings by name: those of .env.example, and where Dagster's storage is."
  type        = map(string)
}

variable "cluster_arn" {
  description = "The ECS cluster."
  type        = string
}

variable "cluster_name" {
  description = "Its name."
  type        = string
}

variable "subnet_ids" {
  description = "Private subnets."
  type        = list(string)
}

variable "task_security_group" {
  description = "The group of every task."
  type        = string
}

variable "webserver_security_group" {
  description = "The group the webserver wears besides."
  type        = string
}

variable "target_group_arn" {
  description = "Where the webserver registers."
  type        = string
}

variable "port" {
  description = "The webserver's port."
  type        = number
}

variable "key_arn" {
  description = "KMS key of staging, ledger, logs and secrets."
  type        = string
}

variable "bucket" {
  description = "The bucket."
  type        = string
}

variable "bucket_arn" {
  description = "The bucket's ARN."
  type        = string
}

variable "staging_arn" {
  description = "The staged files, without the closing /*."
  type        = string
}

variable "logs_arn" {
  description = "The compute logs, without the closing /*."
  type        = string
}

variable "logs_prefix" {
  description = "Folder of the compute logs in the bucket."
  type        = string
}

variable "repository_arn" {
  description = "Where the image lies."
  type        = string
}

variable "storage_secret_arn" {
  description = "The password of the database of Dagster's storage and the ledger."
  type        = string
}

variable "spotify_secret_arn" {
  description = "Spotify's credentials."
  type        = string
}

variable "warehouses" {
  description = "The warehouse by who connects, `admin`, `loader` and `daemon`: MUSIC_ASSETS_WAREHOUSE, and the secret with the password."
  type        = map(object({ url = string, secret_arn = string }))
}

variable "msd_capacity_provider" {
  description = "Where runs of `extract` are placed; empty for Fargate."
  type        = string
  default     = ""
}

variable "msd_mount" {
  description = "Where the MSD is mounted, on the instance and in the container."
  type        = string
}

variable "msd_efs_id" {
  description = "The EFS file system that holds a copy of the MSD; empty for none."
  type        = string
  default     = ""
}

variable "msd_kinds" {
  description = "The staged kinds that hold nothing but the MSD: what `extract` may write."
  type        = list(string)
  default     = ["msd_songs", "msd_artists"]
}

variable "run_cpu" {
  description = "CPU units of a run (1024 are one vCPU)."
  type        = number
  default     = 1024
}

variable "run_memory" {
  description = "Memory of a run in MiB."
  type        = number
  default     = 4096
}

variable "extract_cpu" {
  description = "CPU units of a run of `extract`; two fit on the instance."
  type        = number
  default     = 3584
}

variable "extract_memory" {
  description = "Memory of a run of `extract` in MiB."
  type        = number
  default     = 6144
}

variable "ask_cpu" {
  description = "CPU units of the task that resolves songs; it mostly waits."
  type        = number
  default     = 256
}

variable "ask_memory" {
  description = "Memory of that task, in MiB; one partition's songs with their candidates are in it."
  type        = number
  default     = 1024
}
