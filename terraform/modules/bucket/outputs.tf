output "name" {
  description = "The bucket."
  value       = aws_s3_bucket.this.bucket
}

output "arn" {
  description = "The bucket's ARN."
  value       = aws_s3_bucket.this.arn
}

output "staging_url" {
  description = "MUSIC_ASSETS_STAGING."
  value       = "s3://${aws_s3_bucket.this.bucket}/${var.staging_prefix}"
}

output "staging_arn" {
  description = "The staged files, as a policy names them (without the closing /*)."
  value       = "${aws_s3_bucket.this.arn}/${var.staging_prefix}"
}

output "staging_prefix" {
  description = "Folder of the staged files."
  value       = var.staging_prefix
}

output "logs_arn" {
  description = "The compute logs, as a policy names them (without the closing /*)."
  value       = "${aws_s3_bucket.this.arn}/${var.logs_prefix}"
}

output "logs_prefix" {
  description = "Folder of Dagster's compute logs."
  value       = var.logs_prefix
}
