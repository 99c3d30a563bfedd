output "name" {
  description = "The cluster."
  value       = aws_ecs_cluster.this.name
}

output "arn" {
  description = "The cluster's ARN."
  value       = aws_ecs_cluster.this.arn
}

output "task_security_group" {
  description = "The group of every task."
  value       = aws_security_group.tasks.id
}

output "msd_capacity_provider" {
  description = "Where runs of `extract` are placed; empty where no instance is needed."
  value       = local.instance ? aws_ecs_capacity_provider.msd[0].name : ""
}

output "msd_mount" {
  description = "Where the MSD lies on the instance."
  value       = var.msd_mount
}

output "msd_group" {
  description = "The auto scaling group of instances with the MSD, or nothing."
  value       = one(aws_autoscaling_group.msd[*].name)
}
