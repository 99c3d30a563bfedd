# The instance that holds the MSD: made when a run of `extract` waits for it, gone when none does.
# `snapshot`: a disk made of the public snapshot. `s3`: a copy in a bucket, mounted. Both read-only.

locals {
  instance = contains(["snapshot", "s3"], var.msd_source)
  mount = {
    # By what it is, as its name differs between machines: the only disk that is not the root's. It comes when it comes.
    snapshot = join("\n", [
      "root=$(lsblk -no PKNAME \"$(findmnt -no SOURCE /)\")",
      "for attempt in $(seq 60); do",
      "  disk=$(lsblk -dno NAME,TYPE | awk -v root=\"$root\" '$2 == \"disk\" && $1 != root { print $1; exit }')",
      "  [ -n \"$disk\" ] && break || sleep 5",
      "done",
      # The snapshot's file system is on the disk itself, or on its first partition.
      "part=$(lsblk -lno NAME,FSTYPE \"/dev/$disk\" | awk 'NF == 2 { print $1; exit }')",
      "mount -o ro,noload \"/dev/$part\" ${var.msd_mount}",
    ])
    s3 = "dnf install -y mount-s3 && mount-s3 --read-only --allow-other ${var.msd_bucket} ${var.msd_mount}"
  }
  user_data = local.instance ? join("\n", [
    "#!/bin/bash",
    "set -euo pipefail",
    # An instance that cannot start joins no cluster, and nothing else would ever end it.
    "trap 'shutdown -h now' ERR",
    "mkdir -p ${var.msd_mount}",
    local.mount[var.msd_source],
    # Joins the cluster only now: no task is placed where the MSD is not mounted.
    "echo ECS_CLUSTER=${var.name} >> /etc/ecs/ecs.config",
    "echo ECS_AWSVPC_BLOCK_IMDS=true >> /etc/ecs/ecs.config",
    "",
  ]) : ""
}

data "aws_ssm_parameter" "ami" {
  count = local.instance ? 1 : 0
  name  = "/aws/service/ecs/optimized-ami/amazon-linux-2023/recommended/image_id"
}

resource "aws_launch_template" "msd" {
  count         = local.instance ? 1 : 0
  name          = "${var.name}-msd"
  image_id      = data.aws_ssm_parameter.ami[0].value
  instance_type = var.msd_instance_type
  user_data     = base64encode(local.user_data)

  instance_initiated_shutdown_behavior = "terminate"

  iam_instance_profile {
    arn = aws_iam_instance_profile.msd[0].arn
  }

  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
  }

  network_interfaces {
    associate_public_ip_address = false
    security_groups             = [aws_security_group.tasks.id]
  }

  block_device_mappings {
    device_name = "/dev/xvda"
    ebs {
      volume_type           = "gp3"
      volume_size           = 40
      encrypted             = true # by AWS's own key: a customer key would have to admit Auto Scaling's role
      delete_on_termination = true
    }
  }

  dynamic "block_device_mappings" {
    for_each = var.msd_source == "snapshot" ? [var.msd_snapshot] : []
    content {
      device_name = "/dev/sdf"
      ebs {
        snapshot_id           = block_device_mappings.value
        volume_type           = "gp3"
        volume_size           = 500
        throughput            = 500
        iops                  = 6000
        encrypted             = true
        delete_on_termination = true
      }
    }
  }

  tag_specifications {
    resource_type = "instance"
    tags          = { Name = "${var.name}-msd" }
  }
}

resource "aws_autoscaling_group" "msd" {
  # checkov:skip=CKV_AWS_153: the tags it needs are below; default_tags of the provider reach the launch template.
  count                 = local.instance ? 1 : 0
  name                  = "${var.name}-msd"
  min_size              = 0
  max_size              = var.msd_instances
  vpc_zone_identifier   = var.subnet_ids
  enabled_metrics       = ["GroupInServiceInstances"]
  protect_from_scale_in = true # ECS ends it when no task is left, never in the middle of a run

  launch_template {
    id      = aws_launch_template.msd[0].id
    version = aws_launch_template.msd[0].latest_version
  }

  tag {
    key                 = "AmazonECSManaged"
    value               = ""
    propagate_at_launch = true
  }

  lifecycle {
    ignore_changes = [desired_capacity] # ECS's managed scaling sets it
  }
}

resource "aws_ecs_capacity_provider" "msd" {
  count = local.instance ? 1 : 0
  name  = "${var.name}-msd"
  auto_scaling_group_provider {
    auto_scaling_group_arn         = aws_autoscaling_group.msd[0].arn
    managed_termination_protection = "ENABLED"
    managed_draining               = "ENABLED"
    managed_scaling {
      status                    = "ENABLED"
      target_capacity           = 100
      minimum_scaling_step_size = 1
      maximum_scaling_step_size = var.msd_instances
    }
  }
}

# Role: the instance joins the cluster and, for a copy on S3, reads that bucket. Tasks on it have roles of their own.
module "role" {
  source      = "../role"
  count       = local.instance ? 1 : 0
  name        = "${var.name}-msd-instance"
  description = "The MSD instance joins the cluster"
  services    = ["ec2.amazonaws.com"]
  statements = var.msd_source == "s3" ? [{
    Effect = "Allow"
    Action = ["s3:GetObject", "s3:ListBucket"]
    Resource = [
      "arn:${data.aws_partition.current.partition}:s3:::${var.msd_bucket}",
      "arn:${data.aws_partition.current.partition}:s3:::${var.msd_bucket}/*",
    ]
  }] : []
}

data "aws_partition" "current" {}

resource "aws_iam_role_policy_attachment" "msd" {
  count      = local.instance ? 1 : 0
  role       = module.role[0].name
  policy_arn = "arn:${data.aws_partition.current.partition}:iam::aws:policy/service-role/AmazonEC2ContainerServiceforEC2Role"
}

resource "aws_iam_instance_profile" "msd" {
  count = local.instance ? 1 : 0
  name  = "${var.name}-msd"
  role  = module.role[0].name
}
