output "environment" {
  description = "What deploy/dagster.yaml reads to find the database."
  value = {
    DAGSTER_POSTGRES_HOST = aws_db_instance.this.address
    DAGSTER_POSTGRES_DB   = aws_db_instance.this.db_name
    DAGSTER_POSTGRES_USER = aws_db_instance.this.username
  }
}

output "secret_arn" {
  description = "The secret that is DAGSTER_POSTGRES_PASSWORD."
  value       = aws_secretsmanager_secret.this.arn
}

output "instance_id" {
  description = "The instance, as metrics name it."
  value       = aws_db_instance.this.identifier
}
