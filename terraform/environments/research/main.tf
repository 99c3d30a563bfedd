# One person, the whole MSD: what dev has, and a machine that mounts the MSD and runs the job by itself, Dagster's UI
# through Session Manager. While it does not run, a small disk, a bucket and an idle warehouse are all there is.

module "base" {
  source                 = "../../modules/base"
  name                   = var.name
  client_cidrs           = var.client_cidrs
  client_security_groups = { machine = module.research.security_group }
  retention_days         = var.retention_days
  rpu_hours_a_day        = var.rpu_hours_a_day
}

module "spotify_secret" {
  source  = "../../modules/spotify_secret"
  name    = var.name
  key_arn = module.base.key_arn
  protect = false
}

module "research" {
  source             = "../../modules/research"
  name               = var.name
  running            = var.running
  when_done          = var.when_done
  instance_type      = var.instance_type
  data_gb            = var.data_gb
  keep_data          = var.keep_data
  vpc_id             = module.base.vpc_id
  vpc_cidr           = module.base.vpc_cidr
  subnet_id          = module.base.public_subnet_ids[0]
  zone               = module.base.zones[0]
  bucket             = module.base.bucket
  statements         = module.base.statements
  environment        = module.base.environment
  spotify_secret_arn = module.spotify_secret.arn
  msd_source         = var.msd_source
  msd_snapshot       = var.msd_snapshot
  msd_bucket         = var.msd_bucket
}

# Policy: what a laptop needs to work on the same data. Attach it to the user or role you work as.
resource "aws_iam_policy" "laptop" {
  name        = "${var.name}-laptop"
  description = "Stage to the bucket, connect to the warehouse"
  policy      = jsonencode({ Version = "2012-10-17", Statement = module.base.statements })
}

# Policy: people who read the warehouse.
resource "aws_iam_policy" "readers" {
  name        = "${var.name}-readers"
  description = "Connect to the warehouse as oneself"
  policy      = module.base.reader_policy_json
}
