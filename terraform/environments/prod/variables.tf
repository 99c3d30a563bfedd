variable "name" {
  description = "Prefix of every name."
  type        = string
  default     = "music-assets"
}

variable "region" {
  description = "The AWS region. The MSD's public snapshot is in us-east-1."
  type        = string
  default     = "us-east-1"
}

variable "protect" {
  description = "Whether bucket and databases refuse to be deleted. Set it to false, and apply, before `terraform destroy`."
  type        = bool
  default     = true
}

variable "image_tag" {
  description = "The image's tag in the registry this makes."
  type        = string
}

variable "hostname" {
  description = "The name people type for Dagster's UI, for example dagster.example.org."
  type        = string
}

variable "certificate_arn" {
  description = "The ACM certificate for that name, in this region."
  type        = string
}

variable "sign_in_prefix" {
  description = "First label of the sign-in page's address; the world shares these names, so choose one of your own."
  type        = string
}

variable "ui_cidrs" {
  description = "Private addresses that may ask to sign in, beside the VPC's: a VPN's, for example."
  type        = list(string)
  default     = []
}

variable "reader_cidrs" {
  description = "Private addresses that may connect to the warehouse, beside the tasks: a VPN's, for example."
  type        = list(string)
  default     = []
}

variable "alert_emails" {
  description = "Who is told of failed runs, stale tables and money."
  type        = list(string)
}

variable "budget_usd" {
  description = "US dollars a month; at 80 % spent, or 100 % expected, people are told."
  type        = number
}

variable "timezone" {
  description = "The time zone of schedules and of the 07:00 deadline (MUSIC_ASSETS_TIMEZONE)."
  type        = string
  default     = "UTC"
}

variable "retention_days" {
  description = "After how many days Spotify content is removed (MUSIC_ASSETS_RETENTION_DAYS)."
  type        = number
  default     = 180
}

variable "publishing_job" {
  description = "The job whose success before the deadline means that the tables are fresh."
  type        = string
  default     = "tables"
}

variable "msd_source" {
  description = "Where the MSD is: `snapshot` (the public one), `s3` (a copy in msd_bucket), `efs` (a copy on msd_efs_id), `none` (all is extracted)."
  type        = string
  default     = "snapshot"
}

variable "msd_snapshot" {
  description = "The MSD's public snapshot, or a copy of it in your region."
  type        = string
  default     = "snap-5178cf30"
}

variable "msd_bucket" {
  description = "For msd_source `s3`: the bucket that holds A/ to Z/ or data/."
  type        = string
  default     = ""
}

variable "msd_efs_id" {
  description = "For msd_source `efs`: the file system; its mount targets must admit the tasks' security group."
  type        = string
  default     = ""
}

variable "msd_instance_type" {
  description = "The instance that reads the MSD: 8 vCPUs and 16 GiB hold two runs of `extract`."
  type        = string
  default     = "c7i.2xlarge"
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

variable "storage_instance_class" {
  description = "Size of the database of Dagster's storage and the ledger."
  type        = string
  default     = "db.t4g.small"
}

variable "storage_multi_az" {
  description = "Whether a second zone stands by for it."
  type        = bool
  default     = false
}

variable "redshift_engine" {
  description = "`serverless`, or `ra3` for nodes that run all the time."
  type        = string
  default     = "serverless"
}

variable "redshift_base_capacity" {
  description = "Serverless: RPUs a query starts with."
  type        = number
  default     = 16
}

variable "redshift_max_capacity" {
  description = "Serverless: RPUs that 100 and more readers together may scale to."
  type        = number
  default     = 128
}

variable "redshift_rpu_hours_a_day" {
  description = "Serverless: RPU-hours a day before people are told."
  type        = number
  default     = 200
}

variable "redshift_node_type" {
  description = "RA3: the node type."
  type        = string
  default     = "ra3.large"
}

variable "redshift_nodes" {
  description = "RA3: how many nodes."
  type        = number
  default     = 2
}

variable "redshift_concurrency_clusters" {
  description = "RA3: how many further clusters readers may be given when they queue."
  type        = number
  default     = 4
}

variable "redshift_concurrency_minutes_a_day" {
  description = "RA3: minutes of further clusters a day."
  type        = number
  default     = 60
}

variable "msd_instances" {
  description = "How many instances with the MSD there may be at once; raise the limit of `music_assets/place` in deploy/dagster.yaml by two for each."
  type        = number
  default     = 1
}

variable "ask_cpu" {
  description = "CPU units of the task that resolves songs."
  type        = number
  default     = 256
}

variable "ask_memory" {
  description = "Memory of the task that resolves songs, in MiB."
  type        = number
  default     = 1024
}

variable "reader_seconds" {
  description = "How long a reader's query may take."
  type        = number
  default     = 300
}

variable "budget_by_tag" {
  description = "Whether the budget counts this project alone: activate the tag `project` for cost allocation first."
  type        = bool
  default     = false
}
