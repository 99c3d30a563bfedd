output "environment" {
  description = "Settings for a laptop that works on the same data, by name."
  value       = merge(module.base.environment, { AWS_DEFAULT_REGION = var.region })
}

output "bucket" {
  description = "The bucket."
  value       = module.base.bucket.name
}

output "instance_id" {
  description = "The machine, or nothing."
  value       = module.research.instance_id
}

output "laptop_policy_arn" {
  description = "The policy to attach to the user or role you work as."
  value       = aws_iam_policy.laptop.arn
}

output "reader_policy_arn" {
  description = "The policy for people who read the warehouse."
  value       = aws_iam_policy.readers.arn
}
