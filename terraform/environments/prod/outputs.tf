output "environment" {
  description = "Every setting of the tasks, by name; passwords and Spotify's credentials come from Secrets Manager."
  value       = module.dagster.environment
}

output "repository_url" {
  description = "Where to push the image."
  value       = module.registry.url
}

output "spotify_secret" {
  description = "The secret to put Spotify's credentials in."
  value       = module.spotify_secret.name
}

output "ui" {
  description = "Dagster's UI."
  value       = "https://${var.hostname}"
}

output "load_balancer" {
  description = "What the hostname must point at (a CNAME)."
  value       = module.front.load_balancer_name
}

output "user_pool_id" {
  description = "Where people who may sign in are added."
  value       = module.front.user_pool_id
}

output "reader_policy_arn" {
  description = "The policy to attach to people who read the warehouse."
  value       = aws_iam_policy.readers.arn
}

output "task_roles" {
  description = "The role of each kind of task."
  value       = module.dagster.task_roles
}
