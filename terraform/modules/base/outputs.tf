output "environment" {
  description = "Settings for who stages and loads, by name."
  value = {
    MUSIC_ASSETS_STAGING           = module.bucket.staging_url
    MUSIC_ASSETS_WAREHOUSE         = module.redshift.warehouses["admin"].url
    MUSIC_ASSETS_REDSHIFT_IAM_ROLE = module.redshift.copy_role_arn
    MUSIC_ASSETS_RETENTION_DAYS    = tostring(var.retention_days)
  }
}

output "statements" {
  description = "IAM statements: stage, load and purge."
  value       = local.statements
}

output "reader_policy_json" {
  description = "The policy for people who read the warehouse."
  value       = module.redshift.reader_policy_json
}

output "vpc_id" {
  description = "The VPC."
  value       = module.network.vpc_id
}

output "vpc_cidr" {
  description = "The VPC's addresses."
  value       = module.network.cidr
}

output "public_subnet_ids" {
  description = "Public subnets, one a zone."
  value       = module.network.public_subnet_ids
}

output "zones" {
  description = "The zones of the subnets, in their order."
  value       = module.network.zones
}

output "key_arn" {
  description = "The KMS key of all of it."
  value       = module.key.arn
}

output "bucket" {
  description = "The bucket's name and ARN."
  value       = { name = module.bucket.name, arn = module.bucket.arn }
}
