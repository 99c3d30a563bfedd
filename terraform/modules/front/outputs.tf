output "target_group_arn" {
  description = "Where the webserver registers."
  value       = aws_lb_target_group.webserver.arn
  depends_on  = [aws_lb_listener.https] # ECS refuses a group that no load balancer uses
}

output "webserver_security_group" {
  description = "The group the webserver wears beside that of all tasks."
  value       = aws_security_group.webserver.id
}

output "load_balancer_name" {
  description = "What the hostname must point at."
  value       = aws_lb.this.dns_name
}

output "user_pool_id" {
  description = "Where people who may sign in are added."
  value       = aws_cognito_user_pool.this.id
}

output "port" {
  description = "The webserver's port."
  value       = var.port
}
