output "arn" {
  description = "The secret; a JSON object with client_id and client_secret."
  value       = aws_secretsmanager_secret.this.arn
}

output "name" {
  description = "The secret's name, for putting its value in."
  value       = aws_secretsmanager_secret.this.name
}
