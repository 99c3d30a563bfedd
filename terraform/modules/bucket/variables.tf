variable "name" {
  description = "Prefix of every name; account and region are appended, as bucket names are the world's."
  type        = string
}

variable "key_arn" {
  description = "KMS key that encrypts what lies in the bucket."
  type        = string
}

variable "retention_days" {
  description = "After how many days staged Spotify content is removed (MUSIC_ASSETS_RETENTION_DAYS)."
  type        = number
}

variable "noncurrent_days" {
  description = "For how many days an overwritten or deleted file can be brought back."
  type        = number
  default     = 7
}

variable "spotify_kinds" {
  description = "The staged kinds that hold Spotify content: a folder each below the staging prefix."
  type        = list(string)
  default = [
    "spotify_search", "spotify_tracks", "mapped_songs", "artist_votes", "spotify_artists", "audio_features",
    "spotify_tracks_refresh", "spotify_artists_refresh", "artist_releases",
  ]
}

variable "staging_prefix" {
  description = "Folder of the staged files."
  type        = string
  default     = "staging"
}

variable "logs_prefix" {
  description = "Folder of Dagster's compute logs."
  type        = string
  default     = "compute-logs"
}

variable "logs_days" {
  description = "For how many days compute logs and the manifests of loads are kept."
  type        = number
  default     = 90
}

variable "force_destroy" {
  description = "Whether `terraform destroy` may remove the bucket with what is in it."
  type        = bool
  default     = false
}
