variable "name" {
  description = "Name of workgroup or cluster, and prefix of the rest."
  type        = string
}

variable "engine" {
  description = "`serverless`, or `ra3`: nodes that run all the time."
  type        = string
  default     = "serverless"
  validation {
    condition     = contains(["serverless", "ra3"], var.engine)
    error_message = "engine takes serverless or ra3."
  }
}

variable "database" {
  description = "The database's name."
  type        = string
  default     = "music"
}

variable "key_arn" {
  description = "KMS key that encrypts the warehouse and its password."
  type        = string
}

variable "bucket_arn" {
  description = "The bucket COPY reads."
  type        = string
}

variable "staging_arn" {
  description = "The staged files in it, without the closing /*."
  type        = string
}

variable "staging_prefix" {
  description = "Folder of the staged files in the bucket."
  type        = string
}

variable "vpc_id" {
  description = "The VPC."
  type        = string
}

variable "subnet_ids" {
  description = "Subnets of at least three zones: private ones, but where a laptop is to connect."
  type        = list(string)
}

variable "publicly_accessible" {
  description = "Whether it has a public address; the addresses that may connect are in client_cidrs."
  type        = bool
  default     = false
}

variable "client_cidrs" {
  description = "Addresses that may connect."
  type        = list(string)
  default     = []
  validation {
    condition     = alltrue([for cidr in var.client_cidrs : tonumber(split("/", cidr)[1]) >= 16])
    error_message = "Name your own addresses (/16 or narrower): the warehouse is never open to the world."
  }
}

variable "client_security_groups" {
  description = "Security groups that may connect, by a word that names them."
  type        = map(string)
  default     = {}
}

variable "base_capacity" {
  description = "Serverless: RPUs a query starts with; 8 is the smallest."
  type        = number
  default     = 8
}

variable "max_capacity" {
  description = "Serverless: RPUs that many readers together may scale to."
  type        = number
  default     = 8
}

variable "rpu_hours_a_day" {
  description = "Serverless: RPU-hours a day before limit_action."
  type        = number
}

variable "limit_action" {
  description = "Serverless, at the daily limit: `log`, `emit-metric`, or `deactivate` (no more queries that day)."
  type        = string
  default     = "emit-metric"
}

variable "reader_role" {
  description = "The warehouse's role of readers, as `music-assets grant` makes it."
  type        = string
  default     = "music_assets_readers"
}

variable "reader_seconds" {
  description = "How long a reader's query may take; loads give themselves an hour."
  type        = number
  default     = 300
}

variable "users" {
  description = "Users beside the administrator, each with a secret of its own: `loader`, `daemon`. None where one person does everything."
  type        = list(string)
  default     = []
}

variable "node_type" {
  description = "RA3: the node type."
  type        = string
  default     = "ra3.large"
}

variable "nodes" {
  description = "RA3: how many nodes."
  type        = number
  default     = 2
}

variable "concurrency_clusters" {
  description = "RA3: how many further clusters readers may be given when they queue."
  type        = number
  default     = 4
}

variable "concurrency_minutes_a_day" {
  description = "RA3: minutes of further clusters a day; an hour a day is free."
  type        = number
  default     = 60
}

variable "snapshot_days" {
  description = "RA3: for how many days snapshots are kept; purged Spotify content lives this much longer in them."
  type        = number
  default     = 7
}

variable "skip_final_snapshot" {
  description = "RA3: whether destroying leaves no snapshot."
  type        = bool
  default     = false
}
