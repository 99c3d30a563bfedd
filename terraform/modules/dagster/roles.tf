# Who may do what. One role a kind of task:
#   execution  ECS itself: pulls the image, writes logs, puts secrets into containers
#   webserver  starts and stops runs, shows their logs
#   daemon     the same, reads what sensors look at (staged files; what is loaded, as a user who sees no more), and
#              tells people
#   run        match, ask, load: staging, warehouse as the user who owns the tables (the ledger is a database, with a user and no role)
#   grant      runs `music-assets grant` alone: the warehouse's administrator, who gives the others their users
#   extract    reads the MSD's disk (no permission is needed for that) and stages what it read

locals {
  account   = "${data.aws_region.current.region}:${data.aws_caller_identity.current.account_id}"
  partition = data.aws_partition.current.partition

  use_key = {
    Sid      = "UseKey"
    Effect   = "Allow"
    Action   = ["kms:Decrypt", "kms:GenerateDataKey"]
    Resource = [var.key_arn]
  }

  compute_logs = {
    Sid      = "ComputeLogs"
    Effect   = "Allow"
    Action   = ["s3:GetObject", "s3:PutObject"]
    Resource = ["${var.logs_arn}/*"]
  }

  # HeadObject on what is not there answers 404, not 403, only to those who may list.
  know_what_is_missing = {
    Sid      = "KnowWhatIsMissing"
    Effect   = "Allow"
    Action   = ["s3:ListBucket"]
    Resource = [var.bucket_arn]
  }

  read_staging = {
    Sid      = "ReadStaging"
    Effect   = "Allow"
    Action   = ["s3:GetObject"]
    Resource = ["${var.staging_arn}/*"]
  }

  write_staging = {
    Sid      = "WriteStaging"
    Effect   = "Allow"
    Action   = ["s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"]
    Resource = ["${var.staging_arn}/*"]
  }

  # `purge` removes old versions too: within the staged files alone.
  purge_staging = {
    Sid      = "PurgeStaging"
    Effect   = "Allow"
    Action   = ["s3:GetObjectVersion", "s3:DeleteObjectVersion"]
    Resource = ["${var.staging_arn}/*"]
  }

  list_versions = {
    Sid      = "ListVersions"
    Effect   = "Allow"
    Action   = ["s3:ListBucketVersions", "s3:GetBucketVersioning", "s3:ListBucketMultipartUploads"]
    Resource = [var.bucket_arn]
  }

  # Statements that let a role connect to the warehouse, by the user it connects as.
  log_in = { for user, warehouse in var.warehouses : user => [{
    Sid      = "LogInToWarehouse"
    Effect   = "Allow"
    Action   = ["secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"]
    Resource = [warehouse.secret_arn]
  }] }

  launch_runs = [
    {
      Sid      = "StartRuns"
      Effect   = "Allow"
      Action   = ["ecs:RunTask"]
      Resource = ["arn:${local.partition}:ecs:${local.account}:task-definition/${local.run_family}:*", "arn:${local.partition}:ecs:${local.account}:task-definition/${local.extract_family}:*"]
      Condition = {
        ArnEquals = { "ecs:cluster" = var.cluster_arn }
      }
    },
    {
      Sid      = "WatchAndStopRuns"
      Effect   = "Allow"
      Action   = ["ecs:DescribeTasks", "ecs:StopTask"]
      Resource = ["arn:${local.partition}:ecs:${local.account}:task/${var.cluster_name}/*"]
    },
    {
      Sid       = "TagRuns"
      Effect    = "Allow"
      Action    = ["ecs:TagResource"]
      Resource  = ["arn:${local.partition}:ecs:${local.account}:task/${var.cluster_name}/*"]
      Condition = { StringEquals = { "ecs:CreateAction" = "RunTask" } }
    },
    {
      # These two know no resource to be limited to.
      Sid      = "LookAround"
      Effect   = "Allow"
      Action   = ["ecs:DescribeTaskDefinition", "ec2:DescribeNetworkInterfaces"]
      Resource = ["*"]
    },
    {
      Sid       = "GiveRunsTheirRoles"
      Effect    = "Allow"
      Action    = ["iam:PassRole"]
      Resource  = [for role in ["execution", "run", "extract"] : "arn:${local.partition}:iam::${data.aws_caller_identity.current.account_id}:role/${var.name}-${role}"]
      Condition = { StringEquals = { "iam:PassedToService" = "ecs-tasks.amazonaws.com" } }
    },
    {
      Sid      = "ReadLogsOfLostRuns"
      Effect   = "Allow"
      Action   = ["logs:GetLogEvents"]
      Resource = ["${aws_cloudwatch_log_group.this["run"].arn}:*"]
    },
  ]

  shows_logs = [local.use_key, local.know_what_is_missing, local.compute_logs]
}

# Each is `<name>-<kind>`.
module "role" {
  source      = "../role"
  for_each    = local.roles
  name        = "${var.name}-${each.key}"
  description = each.value.description
  services    = ["ecs-tasks.amazonaws.com"]
  statements  = each.value.statements
}

locals {
  roles = {
    execution = {
      description = "ECS pulls the image, writes logs, hands over secrets"
      statements = [
        {
          Sid      = "SignInToEcr"
          Effect   = "Allow"
          Action   = ["ecr:GetAuthorizationToken"]
          Resource = ["*"]
        },
        {
          Sid      = "PullImage"
          Effect   = "Allow"
          Action   = ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer", "ecr:BatchCheckLayerAvailability"]
          Resource = [var.repository_arn]
        },
        {
          Sid      = "WriteLogs"
          Effect   = "Allow"
          Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
          Resource = [for group in aws_cloudwatch_log_group.this : "${group.arn}:*"]
        },
        {
          Sid      = "ReadSecrets"
          Effect   = "Allow"
          Action   = ["secretsmanager:GetSecretValue"]
          Resource = [var.storage_secret_arn, var.spotify_secret_arn]
        },
        {
          Sid      = "DecryptSecrets"
          Effect   = "Allow"
          Action   = ["kms:Decrypt"]
          Resource = [var.key_arn]
        },
      ]
    }
    webserver = {
      description = "Dagster's webserver starts and stops runs, and shows their logs"
      statements  = concat(local.launch_runs, local.shows_logs)
    }
    daemon = {
      description = "Dagster's daemon starts, watches and stops runs, and tells people"
      statements = concat(
        local.launch_runs, local.shows_logs, [local.read_staging], local.log_in["daemon"],
      )
    }
    run = {
      description = "Runs ask, match and load"
      statements = concat(
        local.shows_logs,
        [local.read_staging, local.write_staging, local.purge_staging, local.list_versions],
        local.log_in["loader"],
      )
    }
    grant = {
      description = "music-assets grant makes the warehouse's users"
      statements = concat([local.use_key], local.log_in["admin"], [{
        Sid      = "GivePasswords"
        Effect   = "Allow"
        Action   = ["secretsmanager:GetSecretValue", "secretsmanager:PutSecretValue"]
        Resource = [var.warehouses["loader"].secret_arn, var.warehouses["daemon"].secret_arn]
      }])
    }
    extract = {
      description = "Runs of extract stage the MSD"
      statements = [
        local.use_key,
        local.know_what_is_missing,
        local.compute_logs,
        {
          Sid      = "StageMsd"
          Effect   = "Allow"
          Action   = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"]
          Resource = [for kind in var.msd_kinds : "${var.staging_arn}/${kind}/*"]
        },
      ]
    }
  }
}
