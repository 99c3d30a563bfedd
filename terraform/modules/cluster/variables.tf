variable "name" {
  description = "The cluster's name, and prefix of the rest."
  type        = string
}

variable "vpc_id" {
  description = "The VPC."
  type        = string
}

variable "vpc_cidr" {
  description = "The VPC's addresses: where the databases are."
  type        = string
}

variable "subnet_ids" {
  description = "Private subnets."
  type        = list(string)
}

variable "msd_source" {
  description = "Where the MSD is: `snapshot` (the public one), `s3` (a copy in msd_bucket), `efs` (a copy), or `none`."
  type        = string
  validation {
    condition     = contains(["snapshot", "s3", "efs", "none"], var.msd_source)
    error_message = "msd_source takes snapshot, s3, efs or none."
  }
}

variable "msd_snapshot" {
  description = "The MSD's public snapshot (500 GB, us-east-1), or a copy of it in your region."
  type        = string
  default     = "snap-5178cf30"
}

variable "msd_bucket" {
  description = "For msd_source `s3`: the bucket that holds A/ to Z/ or data/."
  type        = string
  default     = ""
}

variable "msd_mount" {
  description = "Where the instance mounts the MSD."
  type        = string
  default     = "/mnt/msd"
}

variable "msd_instance_type" {
  description = "The instance that reads the MSD."
  type        = string
  default     = "c7i.2xlarge"
}

variable "msd_instances" {
  description = "How many instances with the MSD there may be at once; two runs of `extract` fill one."
  type        = number
  default     = 1
}
