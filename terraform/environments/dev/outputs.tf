locals {
  environment = merge(module.base.environment, { AWS_DEFAULT_REGION = var.region })
}

output "environment" {
  description = "Settings for the laptop, by name."
  value       = local.environment
}

output "dotenv" {
  description = "The same as lines: terraform output -raw dotenv >> .env"
  value       = join("", [for name, value in local.environment : "${name}=${value}\n"])
}

output "laptop_policy_arn" {
  description = "The policy to attach to the user or role you work as."
  value       = aws_iam_policy.laptop.arn
}

output "reader_policy_json" {
  description = "The policy for people who read the warehouse."
  value       = module.base.reader_policy_json
}
