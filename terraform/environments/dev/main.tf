# For running from a laptop: a bucket for staged files, the smallest Redshift Serverless, and a policy for you.
# Dagster, the MSD and the ledger stay on the laptop.

module "key" {
  source = "../../modules/key"
  name   = var.name
}

module "network" {
  source  = "../../modules/network"
  name    = var.name
  nat     = false
  key_arn = module.key.arn
}

module "bucket" {
  source         = "../../modules/bucket"
  name           = var.name
  key_arn        = module.key.arn
  retention_days = var.retention_days
  force_destroy  = true
}

module "redshift" {
  source              = "../../modules/redshift"
  name                = var.name
  key_arn             = module.key.arn
  bucket_arn          = module.bucket.arn
  staging_arn         = module.bucket.staging_arn
  staging_prefix      = module.bucket.staging_prefix
  vpc_id              = module.network.vpc_id
  subnet_ids          = module.network.public_subnet_ids
  publicly_accessible = true
  client_cidrs        = var.client_cidrs
  base_capacity       = 8
  max_capacity        = 8
  rpu_hours_a_day     = var.rpu_hours_a_day
  limit_action        = "deactivate"
}

# Policy: what a laptop needs to stage, load and purge. Attach it to the user or role you work as.
resource "aws_iam_policy" "laptop" {
  name        = "${var.name}-laptop"
  description = "Stage to the bucket, connect to the warehouse"
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
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
      module.redshift.login_statements,
    )
  })
}
