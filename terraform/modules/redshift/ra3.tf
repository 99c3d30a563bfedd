resource "aws_redshift_subnet_group" "this" {
  count      = local.serverless ? 0 : 1
  name       = var.name
  subnet_ids = var.subnet_ids
}

resource "aws_redshift_parameter_group" "this" {
  count       = local.serverless ? 0 : 1
  name        = var.name
  description = "TLS only, automatic workload management, more clusters when readers queue"
  family      = "redshift-2.0"

  parameter {
    name  = "require_ssl"
    value = "true"
  }

  parameter {
    name  = "enable_user_activity_logging"
    value = "true"
  }

  parameter {
    name  = "max_concurrency_scaling_clusters"
    value = tostring(var.concurrency_clusters)
  }

  # Readers are known by their role and queue on further clusters where it pays; all others are loads, and go first.
  parameter {
    name = "wlm_json_configuration"
    value = jsonencode([
      merge(local.readers_queue, {
        priority            = "normal"
        queue_type          = "auto"
        auto_wlm            = true
        concurrency_scaling = "auto"
      }),
      {
        name                = "loads"
        priority            = "highest"
        queue_type          = "auto"
        auto_wlm            = true
        concurrency_scaling = "off"
      },
      { short_query_queue = true },
    ])
  }
}

resource "aws_redshift_cluster" "this" {
  # checkov:skip=CKV_AWS_71: connections, users and statements are logged by aws_redshift_logging below.
  # checkov:skip=CKV_AWS_87: false by default; dev alone turns it on, for the addresses named there.
  # checkov:skip=CKV_AWS_154: a zone lost costs hours and no data; staged files load again.
  count                               = local.serverless ? 0 : 1
  cluster_identifier                  = var.name
  database_name                       = var.database
  node_type                           = var.node_type
  number_of_nodes                     = var.nodes
  cluster_type                        = var.nodes > 1 ? "multi-node" : "single-node"
  master_username                     = local.admin
  manage_master_password              = true
  master_password_secret_kms_key_id   = var.key_arn
  encrypted                           = true
  kms_key_id                          = var.key_arn
  publicly_accessible                 = var.publicly_accessible
  enhanced_vpc_routing                = true
  allow_version_upgrade               = true
  automated_snapshot_retention_period = var.snapshot_days
  cluster_subnet_group_name           = aws_redshift_subnet_group.this[0].name
  cluster_parameter_group_name        = aws_redshift_parameter_group.this[0].name
  vpc_security_group_ids              = [aws_security_group.this.id]
  iam_roles                           = [module.role.arn]
  default_iam_role_arn                = module.role.arn
  skip_final_snapshot                 = var.skip_final_snapshot
  final_snapshot_identifier           = var.skip_final_snapshot ? null : "${var.name}-final"
  port                                = local.port
}

resource "aws_redshift_logging" "this" {
  count                = local.serverless ? 0 : 1
  cluster_identifier   = aws_redshift_cluster.this[0].cluster_identifier
  log_destination_type = "cloudwatch"
  log_exports          = ["connectionlog", "userlog", "useractivitylog"]
}

resource "aws_redshift_usage_limit" "concurrency" {
  count              = local.serverless ? 0 : 1
  cluster_identifier = aws_redshift_cluster.this[0].cluster_identifier
  feature_type       = "concurrency-scaling"
  limit_type         = "time"
  period             = "daily"
  amount             = var.concurrency_minutes_a_day
  breach_action      = "disable"
}
