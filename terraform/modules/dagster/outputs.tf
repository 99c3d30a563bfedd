output "environment" {
  description = "Every setting a task has, secrets left out."
  value       = local.environment
}

output "task_roles" {
  description = "The role of each kind of task."
  value = {
    execution = aws_iam_role.execution.arn
    webserver = aws_iam_role.webserver.arn
    daemon    = aws_iam_role.daemon.arn
    run       = aws_iam_role.run.arn
    extract   = aws_iam_role.extract.arn
    grant     = aws_iam_role.grant.arn
  }
}

output "log_groups" {
  description = "The log group of each kind of task."
  value       = { for task, group in aws_cloudwatch_log_group.this : task => group.name }
}
