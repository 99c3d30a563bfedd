# Dagster's tasks: webserver and daemon, which run all the time, and what runs are made of. Roles are in roles.tf.

data "aws_region" "current" {}
data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}

locals {
  run_family     = "${var.name}-run"
  extract_family = "${var.name}-extract"
  run_container  = "run"
  scratch        = "/scratch" # the image gives this folder to its user; all else is read-only
  msd_needs_disk = var.msd_capacity_provider != ""
  has_msd        = local.msd_needs_disk || var.msd_efs_id != ""

  # Tags that runs of a job carry here (MUSIC_ASSETS_JOB_TAGS): the size of their task, and where it is placed. The run
  # queue counts `music_assets/place` (deploy/dagster.yaml).
  job_tags = merge(
    {
      ask = { # waits for responses, perhaps for weeks
        "ecs/cpu"    = tostring(var.ask_cpu)
        "ecs/memory" = tostring(var.ask_memory)
      }
    },
    local.has_msd ? {
      extract = {
        "music_assets/place" = "msd"
        "ecs/run_task_kwargs" = jsonencode(merge(
          {
            taskDefinition = local.extract_family
            networkConfiguration = {
              awsvpcConfiguration = { subnets = var.subnet_ids, securityGroups = [var.task_security_group] }
            }
          },
          local.msd_needs_disk ? {
            capacityProviderStrategy = [{ capacityProvider = var.msd_capacity_provider, weight = 1 }]
          } : {},
        ))
      }
    } : {},
  )

  environment = merge(var.environment, {
    AWS_DEFAULT_REGION    = data.aws_region.current.region
    DAGSTER_HOME          = "/opt/dagster"
    MUSIC_ASSETS_DATA     = "${local.scratch}/data"
    MUSIC_ASSETS_JOB_TAGS = jsonencode(local.job_tags)
    # The MSD is there for runs of `extract` alone; elsewhere there is nothing, and the sensors say so.
    MUSIC_ASSETS_MSD            = var.msd_mount
    DAGSTER_RUN_TASK_DEFINITION = local.run_family
    DAGSTER_LOGS_BUCKET         = var.bucket
    DAGSTER_LOGS_PREFIX         = var.logs_prefix
    TMPDIR                      = local.scratch
    MUSIC_ASSETS_WAREHOUSE      = var.warehouses["loader"].url
  })
  # Who a task is to the warehouse, where that is not the loader; the webserver never connects, and could not.
  as = { for user in ["admin", "daemon"] : user => merge(local.environment, { MUSIC_ASSETS_WAREHOUSE = var.warehouses[user].url }) }

  secrets = {
    DAGSTER_POSTGRES_PASSWORD = "${var.storage_secret_arn}:password::"
    PGPASSWORD                = "${var.storage_secret_arn}:password::" # the same database: MUSIC_ASSETS_LEDGER names it without a password
    SPOTIPY_CLIENT_ID         = "${var.spotify_secret_arn}:client_id::"
    SPOTIPY_CLIENT_SECRET     = "${var.spotify_secret_arn}:client_secret::"
  }

  listed = {
    for user, environment in merge(local.as, { loader = local.environment }) :
    user => [for name in sort(keys(environment)) : { name = name, value = environment[name] }]
  }

  container = {
    image                  = var.image
    essential              = true
    readonlyRootFilesystem = true
    linuxParameters        = { initProcessEnabled = true }
    mountPoints            = [{ sourceVolume = "scratch", containerPath = local.scratch, readOnly = false }]
    environment            = local.listed["loader"]
    secrets                = [for name in sort(keys(local.secrets)) : { name = name, valueFrom = local.secrets[name] }]
  }

  log = {
    for task in ["webserver", "daemon", "run"] : task => {
      logDriver = "awslogs"
      options = {
        "awslogs-group"         = aws_cloudwatch_log_group.this[task].name
        "awslogs-region"        = data.aws_region.current.region
        "awslogs-stream-prefix" = task
      }
    }
  }
}

resource "aws_cloudwatch_log_group" "this" {
  for_each          = toset(["webserver", "daemon", "run"])
  name              = "/${var.name}/${each.key}"
  retention_in_days = 365
  kms_key_id        = var.key_arn
}

resource "aws_ecs_task_definition" "webserver" {
  family                   = "${var.name}-webserver"
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = "512"
  memory                   = "2048"
  execution_role_arn       = module.role["execution"].arn
  task_role_arn            = module.role["webserver"].arn
  container_definitions = jsonencode([merge(local.container, {
    name             = "webserver"
    memory           = 2048
    environment      = local.listed["daemon"]
    command          = ["dagster-webserver", "-h", "0.0.0.0", "-p", tostring(var.port), "-m", "music_assets.definitions"]
    portMappings     = [{ containerPort = var.port, hostPort = var.port, protocol = "tcp" }]
    logConfiguration = local.log["webserver"]
    healthCheck = {
      command     = ["CMD", "python", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:${var.port}/server_info', timeout=5)"]
      interval    = 30
      timeout     = 10
      retries     = 3
      startPeriod = 120
    }
  })])
  volume {
    name = "scratch"
  }
}

resource "aws_ecs_task_definition" "daemon" {
  family                   = "${var.name}-daemon"
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = "1024" # the health check alone takes some seconds of it each minute
  memory                   = "2048"
  execution_role_arn       = module.role["execution"].arn
  task_role_arn            = module.role["daemon"].arn
  container_definitions = jsonencode([merge(local.container, {
    name             = "daemon"
    memory           = 2048
    environment      = local.listed["daemon"]
    command          = ["dagster-daemon", "run", "-m", "music_assets.definitions"]
    logConfiguration = local.log["daemon"]
    healthCheck = {
      command     = ["CMD", "dagster-daemon", "liveness-check"]
      interval    = 60
      timeout     = 30
      retries     = 3
      startPeriod = 180
    }
  })])
  volume {
    name = "scratch"
  }
}

# A run; its command is Dagster's. Memory stands in the container too: the launcher overrides it there.
resource "aws_ecs_task_definition" "run" {
  family                   = local.run_family
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = tostring(var.run_cpu)
  memory                   = tostring(var.run_memory)
  execution_role_arn       = module.role["execution"].arn
  task_role_arn            = module.role["run"].arn
  container_definitions = jsonencode([merge(local.container, {
    name             = local.run_container
    memory           = var.run_memory
    logConfiguration = local.log["run"]
  })])
  volume {
    name = "scratch"
  }
}

# `music-assets grant` (deploy/command grant): the warehouse's administrator makes its users, once and after upgrades.
resource "aws_ecs_task_definition" "grant" {
  family                   = "${var.name}-grant"
  requires_compatibilities = ["FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = "512"
  memory                   = "1024"
  execution_role_arn       = module.role["execution"].arn
  task_role_arn            = module.role["grant"].arn
  container_definitions = jsonencode([merge(local.container, {
    name        = local.run_container
    memory      = 1024
    environment = local.listed["admin"]
    command = [
      "music-assets", "grant", "--loader", var.warehouses["loader"].secret_arn,
      "--daemon", var.warehouses["daemon"].secret_arn,
    ]
    logConfiguration = local.log["run"]
  })])
  volume {
    name = "scratch"
  }
}

# A run of `extract`: the same, with the MSD below it, read-only.
resource "aws_ecs_task_definition" "extract" {
  count                    = local.has_msd ? 1 : 0
  family                   = local.extract_family
  requires_compatibilities = [local.msd_needs_disk ? "EC2" : "FARGATE"]
  network_mode             = "awsvpc"
  cpu                      = tostring(var.extract_cpu)
  memory                   = tostring(var.extract_memory)
  execution_role_arn       = module.role["execution"].arn
  task_role_arn            = module.role["extract"].arn
  container_definitions = jsonencode([merge(local.container, {
    name             = local.run_container
    memory           = var.extract_memory
    logConfiguration = local.log["run"]
    mountPoints      = concat(local.container.mountPoints, [{ sourceVolume = "msd", containerPath = var.msd_mount, readOnly = true }])
  })])
  volume {
    name = "scratch"
  }
  volume {
    name      = "msd"
    host_path = local.msd_needs_disk ? var.msd_mount : null
    dynamic "efs_volume_configuration" {
      for_each = local.msd_needs_disk ? [] : [var.msd_efs_id]
      content {
        file_system_id     = efs_volume_configuration.value
        transit_encryption = "ENABLED"
      }
    }
  }
}

resource "aws_ecs_service" "webserver" {
  name            = "webserver"
  cluster         = var.cluster_arn
  task_definition = aws_ecs_task_definition.webserver.arn
  desired_count   = 1
  launch_type     = "FARGATE"

  health_check_grace_period_seconds = 300 # its start takes half a minute of half a CPU

  network_configuration {
    subnets          = var.subnet_ids
    security_groups  = [var.task_security_group, var.webserver_security_group]
    assign_public_ip = false
  }
  load_balancer {
    target_group_arn = var.target_group_arn
    container_name   = "webserver"
    container_port   = var.port
  }
  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }
}

# One daemon, never two: the old one stops before the new one starts. Its cluster, subnets and group are those the
# launcher gives to runs.
resource "aws_ecs_service" "daemon" {
  name                               = "daemon"
  cluster                            = var.cluster_arn
  task_definition                    = aws_ecs_task_definition.daemon.arn
  desired_count                      = 1
  launch_type                        = "FARGATE"
  deployment_minimum_healthy_percent = 0
  deployment_maximum_percent         = 100
  network_configuration {
    subnets          = var.subnet_ids
    security_groups  = [var.task_security_group]
    assign_public_ip = false
  }
}
