resource "aws_redshiftserverless_namespace" "this" {
  count                            = local.serverless ? 1 : 0
  namespace_name                   = var.name
  db_name                          = var.database
  admin_username                   = local.admin
  manage_admin_password            = true
  admin_password_secret_kms_key_id = var.key_arn
  kms_key_id                       = var.key_arn
  iam_roles                        = [module.role.arn]
  default_iam_role_arn             = module.role.arn
  log_exports                      = ["connectionlog", "userlog", "useractivitylog"]
}

resource "aws_redshiftserverless_workgroup" "this" {
  count                = local.serverless ? 1 : 0
  namespace_name       = aws_redshiftserverless_namespace.this[0].namespace_name
  workgroup_name       = var.name
  base_capacity        = var.base_capacity
  max_capacity         = var.max_capacity
  publicly_accessible  = var.publicly_accessible
  enhanced_vpc_routing = !var.publicly_accessible # S3 by the VPC's endpoint
  subnet_ids           = var.subnet_ids
  security_group_ids   = [aws_security_group.this.id]
  port                 = local.port

  config_parameter {
    parameter_key   = "require_ssl"
    parameter_value = "true"
  }

  config_parameter {
    parameter_key   = "enable_user_activity_logging"
    parameter_value = "true"
  }

  # Readers have a queue of their own, by the role that `music-assets grant` makes, and minutes a query; a role cannot be
  # set by a session, as a query group can. Loads limit themselves (`statement_timeout`).
  config_parameter {
    parameter_key   = "wlm_json_configuration"
    parameter_value = jsonencode([local.readers_queue, { name = "Default queue" }])
  }
}

resource "aws_redshiftserverless_usage_limit" "compute" {
  count         = local.serverless ? 1 : 0
  resource_arn  = aws_redshiftserverless_workgroup.this[0].arn
  usage_type    = "serverless-compute"
  period        = "daily"
  amount        = var.rpu_hours_a_day
  breach_action = var.limit_action
}
