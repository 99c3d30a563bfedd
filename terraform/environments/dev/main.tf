# For running from a laptop: a bucket for staged files, the smallest Redshift Serverless, and a policy for you.
# Dagster, the MSD and the ledger stay on the laptop.

module "base" {
  source          = "../../modules/base"
  name            = var.name
  client_cidrs    = var.client_cidrs
  retention_days  = var.retention_days
  rpu_hours_a_day = var.rpu_hours_a_day
}

# Policy: what a laptop needs to stage, load and purge. Attach it to the user or role you work as.
resource "aws_iam_policy" "laptop" {
  name        = "${var.name}-laptop"
  description = "Stage to the bucket, connect to the warehouse"
  policy      = jsonencode({ Version = "2012-10-17", Statement = module.base.statements })
}
