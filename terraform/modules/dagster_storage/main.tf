# PostgreSQL for Dagster's own storage (runs, events, schedules) and, in a schema of its own, for the ledger: every
# response that was paid for with a request, and the lock of the one process that may send some. Private, encrypted,
# TLS only; backups of a week, which hold purged Spotify content for as long.

resource "aws_db_subnet_group" "this" {
  name       = "${var.name}-dagster"
  subnet_ids = var.subnet_ids
}

resource "aws_security_group" "this" {
  name        = "${var.name}-dagster-storage"
  description = "PostgreSQL: only tasks connect; it reaches nothing."
  vpc_id      = var.vpc_id
}

resource "aws_vpc_security_group_ingress_rule" "tasks" {
  security_group_id            = aws_security_group.this.id
  description                  = "SQL from tasks"
  referenced_security_group_id = var.task_security_group
  from_port                    = 5432
  to_port                      = 5432
  ip_protocol                  = "tcp"
}

resource "aws_db_parameter_group" "this" {
  name        = "${var.name}-dagster"
  description = "TLS only; slow statements are logged"
  family      = "postgres17"

  parameter {
    name  = "rds.force_ssl"
    value = "1"
  }

  parameter {
    name  = "log_min_duration_statement"
    value = "1000"
  }

  parameter {
    name  = "log_statement"
    value = "ddl"
  }
}

# RDS makes the password and keeps it with the database, so that no interrupted apply can part the two. Tasks get it when
# they start: renewed seldom, as the daemon and long runs have to be restarted then (docs/aws.md).
resource "aws_secretsmanager_secret_rotation" "this" {
  # checkov:skip=CKV_AWS_304: every task that runs holds the password; once a year, with a restart (docs/aws.md).
  secret_id          = aws_db_instance.this.master_user_secret[0].secret_arn
  rotate_immediately = false
  rotation_rules {
    automatically_after_days = 365
  }
}

resource "aws_db_instance" "this" {
  # checkov:skip=CKV_AWS_161: tasks hold a password from Secrets Manager; a token would need a user made by hand first.
  # checkov:skip=CKV_AWS_118: minute metrics and performance insights do for a database of a few writes a second.
  # checkov:skip=CKV_AWS_157: multi_az is a variable: a zone that fails stops runs, and loses nothing that backups do not hold.
  # checkov:skip=CKV2_AWS_30: slow and changing statements are logged by the parameter group above; all of them would be Dagster's polling.
  identifier                            = "${var.name}-dagster"
  engine                                = "postgres"
  engine_version                        = "17"
  instance_class                        = var.instance_class
  allocated_storage                     = 20
  max_allocated_storage                 = 200
  storage_type                          = "gp3"
  storage_encrypted                     = true
  kms_key_id                            = var.key_arn
  db_name                               = "dagster"
  username                              = "dagster"
  manage_master_user_password           = true
  master_user_secret_kms_key_id         = var.key_arn
  db_subnet_group_name                  = aws_db_subnet_group.this.name
  parameter_group_name                  = aws_db_parameter_group.this.name
  vpc_security_group_ids                = [aws_security_group.this.id]
  publicly_accessible                   = false
  multi_az                              = var.multi_az
  backup_retention_period               = 7
  copy_tags_to_snapshot                 = true
  auto_minor_version_upgrade            = true
  deletion_protection                   = var.deletion_protection
  skip_final_snapshot                   = !var.deletion_protection
  final_snapshot_identifier             = var.deletion_protection ? "${var.name}-dagster-final" : null
  enabled_cloudwatch_logs_exports       = ["postgresql", "upgrade"]
  performance_insights_enabled          = true
  performance_insights_kms_key_id       = var.key_arn
  performance_insights_retention_period = 7
}
