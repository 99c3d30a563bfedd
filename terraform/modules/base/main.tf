# What dev and research share: a bucket for staged files, the smallest Redshift Serverless, a network with public
# subnets alone, and the permissions to stage, load and purge. What uses it is in the environments.

module "key" {
  source = "../key"
  name   = var.name
}

module "network" {
  source  = "../network"
  name    = var.name
  nat     = false
  key_arn = module.key.arn
}

module "bucket" {
  source         = "../bucket"
  name           = var.name
  key_arn        = module.key.arn
  retention_days = var.retention_days
  force_destroy  = true
}

module "redshift" {
  source                 = "../redshift"
  name                   = var.name
  key_arn                = module.key.arn
  bucket_arn             = module.bucket.arn
  staging_arn            = module.bucket.staging_arn
  staging_prefix         = module.bucket.staging_prefix
  vpc_id                 = module.network.vpc_id
  subnet_ids             = module.network.public_subnet_ids
  publicly_accessible    = length(var.client_cidrs) > 0
  client_cidrs           = var.client_cidrs
  client_security_groups = var.client_security_groups
  base_capacity          = 8
  max_capacity           = 8
  rpu_hours_a_day        = var.rpu_hours_a_day
  limit_action           = "deactivate"
}

locals {
  statements = concat(
    [
      {
        Sid      = "FindStagedFiles"
        Effect   = "Allow"
        Action   = ["s3:ListBucket", "s3:ListBucketVersions", "s3:GetBucketVersioning", "s3:ListBucketMultipartUploads"]
        Resource = [module.bucket.arn]
      },
      {
        Sid    = "StageAndPurge"
        Effect = "Allow"
        Action = [
          "s3:GetObject", "s3:GetObjectVersion", "s3:PutObject", "s3:DeleteObject", "s3:DeleteObjectVersion",
          "s3:AbortMultipartUpload",
        ]
        Resource = ["${module.bucket.staging_arn}/*"]
      },
      {
        Sid      = "UseKey"
        Effect   = "Allow"
        Action   = ["kms:Decrypt", "kms:GenerateDataKey"]
        Resource = [module.key.arn]
      },
    ],
    [
      {
        # One person, who made the warehouse, is its administrator; prod has a user for each part.
        Sid      = "ReadWarehousePassword"
        Effect   = "Allow"
        Action   = ["secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"]
        Resource = [module.redshift.warehouses["admin"].secret_arn]
      },
    ],
  )
}
