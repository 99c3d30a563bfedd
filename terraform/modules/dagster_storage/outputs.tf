output "environment" {
  description = "What deploy/dagster.yaml reads to find the database."
  value = {
    DAGSTER_POSTGRES_HOST = aws_db_instance.this.address
    DAGSTER_POSTGRES_DB   = aws_db_instance.this.db_name
    DAGSTER_POSTGRES_USER = aws_db_instance.this.username
  }
}

output "ledger_url" {
  description = "The database as MUSIC_ASSETS_LEDGER names it; the password comes from PGPASSWORD."
  value       = "postgresql://${aws_db_instance.this.username}@${aws_db_instance.this.address}:5432/${aws_db_instance.this.db_name}?sslmode=require"
}

output "secret_arn" {
  description = "RDS's secret, whose `password` is DAGSTER_POSTGRES_PASSWORD and PGPASSWORD."
  value       = aws_db_instance.this.master_user_secret[0].secret_arn
}

output "instance_id" {
  description = "The instance, as metrics name it."
  value       = aws_db_instance.this.identifier
}
