# The warehouse: Redshift Serverless, or provisioned RA3 nodes where many readers make those cheaper.
# What both share is here: the role COPY uses, who may connect. The engines are in serverless.tf and ra3.tf.

data "aws_caller_identity" "current" {}
data "aws_region" "current" {}
data "aws_partition" "current" {}

locals {
  serverless  = var.engine == "serverless"
  port        = 5439
  admin       = "music_admin"
  cluster_arn = "arn:${data.aws_partition.current.partition}:redshift:${data.aws_region.current.region}:${data.aws_caller_identity.current.account_id}"
  readers_queue = {
    name      = "readers"
    user_role = [var.reader_role]
    rules = [{
      rule_name = "too_long"
      action    = "abort"
      predicate = [{ metric_name = "query_execution_time", operator = ">", value = var.reader_seconds }]
    }]
  }
  host       = local.serverless ? aws_redshiftserverless_workgroup.this[0].endpoint[0].address : aws_redshift_cluster.this[0].dns_name
  secret_arn = local.serverless ? aws_redshiftserverless_namespace.this[0].admin_password_secret_arn : aws_redshift_cluster.this[0].master_password_secret_arn
}

resource "aws_security_group" "this" {
  name        = "${var.name}-redshift"
  description = "Redshift: only tasks and the named addresses connect; it reaches S3 alone."
  vpc_id      = var.vpc_id
}

resource "aws_vpc_security_group_ingress_rule" "tasks" {
  for_each                     = var.client_security_groups
  security_group_id            = aws_security_group.this.id
  description                  = "SQL from ${each.key}"
  referenced_security_group_id = each.value
  from_port                    = local.port
  to_port                      = local.port
  ip_protocol                  = "tcp"
}

resource "aws_vpc_security_group_ingress_rule" "addresses" {
  for_each          = toset(var.client_cidrs)
  security_group_id = aws_security_group.this.id
  description       = "SQL from ${each.key}"
  cidr_ipv4         = each.key
  from_port         = local.port
  to_port           = local.port
  ip_protocol       = "tcp"
}

# COPY reads the bucket over TLS, in the VPC by S3's gateway endpoint.
resource "aws_vpc_security_group_egress_rule" "s3" {
  security_group_id = aws_security_group.this.id
  description       = "COPY from S3"
  cidr_ipv4         = "0.0.0.0/0"
  from_port         = 443
  to_port           = 443
  ip_protocol       = "tcp"
}

# Role: COPY reads staged files and manifests, and decrypts them. Nothing else, and only Redshift takes it.
module "role" {
  source      = "../role"
  name        = "${var.name}-redshift-copy"
  description = "Redshift's COPY reads the staged files"
  services    = ["redshift.amazonaws.com", "redshift-serverless.amazonaws.com"]
  statements = [
    {
      Effect   = "Allow"
      Action   = "s3:GetObject"
      Resource = "${var.staging_arn}/*"
    },
    {
      Effect    = "Allow"
      Action    = "s3:ListBucket"
      Resource  = var.bucket_arn
      Condition = { StringLike = { "s3:prefix" = "${var.staging_prefix}/*" } }
    },
    {
      Effect   = "Allow"
      Action   = "kms:Decrypt"
      Resource = var.key_arn
    },
  ]
}

# The users beside the administrator. Their passwords are made by `music-assets grant`, which puts them here and into the
# database: no state holds them, and the two cannot differ.
resource "aws_secretsmanager_secret" "user" {
  # checkov:skip=CKV2_AWS_57: a new value is put in by hand, and `music-assets grant` gives it to the database.
  for_each                = toset(var.users)
  name                    = "${var.name}/warehouse-${each.key}"
  description             = "User and password of the warehouse's ${each.key}"
  kms_key_id              = var.key_arn
  recovery_window_in_days = var.skip_final_snapshot ? 0 : 30
}
