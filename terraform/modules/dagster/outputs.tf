output "environment" {
  description = "Every setting a task has, secrets left out."
  value       = local.environment
}

output "task_roles" {
  description = "The role of each kind of task."
  value = {
    execution = module.role["execution"].arn
    webserver = module.role["webserver"].arn
    daemon    = module.role["daemon"].arn
    run       = module.role["run"].arn
    extract   = module.role["extract"].arn
    grant     = module.role["grant"].arn
  }
}

output "log_groups" {
  description = "The log group of each kind of task."
  value       = { for task, group in aws_cloudwatch_log_group.this : task => group.name }
}
