# Everything on AWS: Dagster on Fargate, staging on S3, the ledger in PostgreSQL, the warehouse in Redshift.

module "key" {
  source = "../../modules/key"
  name   = var.name
}

module "network" {
  source  = "../../modules/network"
  name    = var.name
  nat     = true
  key_arn = module.key.arn
}

module "bucket" {
  source         = "../../modules/bucket"
  name           = var.name
  key_arn        = module.key.arn
  retention_days = var.retention_days
  force_destroy  = !var.protect
}

module "registry" {
  source       = "../../modules/registry"
  name         = var.name
  key_arn      = module.key.arn
  force_delete = !var.protect
}

module "spotify_secret" {
  source  = "../../modules/spotify_secret"
  protect = var.protect
  name    = var.name
  key_arn = module.key.arn
}

module "cluster" {
  source            = "../../modules/cluster"
  name              = var.name
  vpc_id            = module.network.vpc_id
  vpc_cidr          = module.network.cidr
  subnet_ids        = module.network.private_subnet_ids
  msd_source        = var.msd_source
  msd_snapshot      = var.msd_snapshot
  msd_bucket        = var.msd_bucket
  msd_instance_type = var.msd_instance_type
  msd_instances     = var.msd_instances
}

module "redshift" {
  source                    = "../../modules/redshift"
  name                      = var.name
  engine                    = var.redshift_engine
  key_arn                   = module.key.arn
  bucket_arn                = module.bucket.arn
  staging_arn               = module.bucket.staging_arn
  staging_prefix            = module.bucket.staging_prefix
  vpc_id                    = module.network.vpc_id
  subnet_ids                = module.network.private_subnet_ids
  client_security_groups    = { tasks = module.cluster.task_security_group }
  client_cidrs              = var.reader_cidrs
  base_capacity             = var.redshift_base_capacity
  max_capacity              = var.redshift_max_capacity
  rpu_hours_a_day           = var.redshift_rpu_hours_a_day
  node_type                 = var.redshift_node_type
  nodes                     = var.redshift_nodes
  concurrency_clusters      = var.redshift_concurrency_clusters
  concurrency_minutes_a_day = var.redshift_concurrency_minutes_a_day
  skip_final_snapshot       = !var.protect
  reader_seconds            = var.reader_seconds
  users                     = ["loader", "daemon"]
}

module "dagster_storage" {
  source              = "../../modules/dagster_storage"
  name                = var.name
  key_arn             = module.key.arn
  vpc_id              = module.network.vpc_id
  subnet_ids          = module.network.private_subnet_ids
  task_security_group = module.cluster.task_security_group
  instance_class      = var.storage_instance_class
  multi_az            = var.storage_multi_az
  deletion_protection = var.protect
}

module "front" {
  source          = "../../modules/front"
  name            = var.name
  vpc_id          = module.network.vpc_id
  subnet_ids      = module.network.private_subnet_ids
  client_cidrs    = concat([module.network.cidr], var.ui_cidrs)
  hostname        = var.hostname
  certificate_arn = var.certificate_arn
  sign_in_prefix  = var.sign_in_prefix
}

module "dagster" {
  source                   = "../../modules/dagster"
  name                     = var.name
  image                    = "${module.registry.url}:${var.image_tag}"
  cluster_arn              = module.cluster.arn
  cluster_name             = module.cluster.name
  subnet_ids               = module.network.private_subnet_ids
  task_security_group      = module.cluster.task_security_group
  webserver_security_group = module.front.webserver_security_group
  target_group_arn         = module.front.target_group_arn
  port                     = module.front.port
  key_arn                  = module.key.arn
  bucket                   = module.bucket.name
  bucket_arn               = module.bucket.arn
  staging_arn              = module.bucket.staging_arn
  logs_arn                 = module.bucket.logs_arn
  logs_prefix              = module.bucket.logs_prefix
  repository_arn           = module.registry.arn
  storage_secret_arn       = module.dagster_storage.secret_arn
  spotify_secret_arn       = module.spotify_secret.arn
  warehouses               = module.redshift.warehouses
  msd_capacity_provider    = module.cluster.msd_capacity_provider
  msd_mount                = module.cluster.msd_mount
  msd_efs_id               = var.msd_source == "efs" ? var.msd_efs_id : ""
  run_cpu                  = var.run_cpu
  run_memory               = var.run_memory
  ask_cpu                  = var.ask_cpu
  ask_memory               = var.ask_memory

  environment = merge(module.dagster_storage.environment, {
    MUSIC_ASSETS_STAGING           = module.bucket.staging_url
    MUSIC_ASSETS_REDSHIFT_IAM_ROLE = module.redshift.copy_role_arn
    MUSIC_ASSETS_LEDGER            = module.dagster_storage.ledger_url
    MUSIC_ASSETS_SPOTIFY           = "api"
    MUSIC_ASSETS_RETENTION_DAYS    = tostring(var.retention_days)
    MUSIC_ASSETS_TIMEZONE          = var.timezone
  })
}

module "watch" {
  source              = "../../modules/watch"
  name                = var.name
  key_arn             = module.key.arn
  alert_emails        = var.alert_emails
  log_groups          = module.dagster.log_groups
  cluster_name        = module.cluster.name
  storage_instance_id = module.dagster_storage.instance_id
  publishing_job      = var.publishing_job
  timezone            = var.timezone
  budget_usd          = var.budget_usd
  budget_by_tag       = var.budget_by_tag
  workgroup           = module.redshift.workgroup
  rpu_hours_a_day     = var.redshift_rpu_hours_a_day
  msd_group           = module.cluster.msd_group
}

# Policy: people who read the warehouse. Attach it to their users, roles or permission set.
resource "aws_iam_policy" "readers" {
  name        = "${var.name}-readers"
  description = "Connect to the warehouse as oneself"
  policy      = module.redshift.reader_policy_json
}
