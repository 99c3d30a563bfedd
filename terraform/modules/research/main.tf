# One machine that has the MSD and runs the whole job by itself: Dagster on SQLite on its own disk, the UI through
# Session Manager. It is there while `running` is true; the disk with ledger and Dagster's history stays when it is not.

data "aws_region" "current" {}
data "aws_partition" "current" {}

data "aws_ssm_parameter" "ami" {
  name = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
}

locals {
  environment = merge(var.environment, {
    AWS_DEFAULT_REGION = data.aws_region.current.region
    DAGSTER_HOME       = "/data/dagster"
    MUSIC_ASSETS_DATA  = "/data"
    MUSIC_ASSETS_MSD   = "/mnt/msd"
  })
  mount = {
    snapshot = "mount -o ro,noload \"$(disk_of ${local.msd_serial})\" /mnt/msd"
    s3       = "dnf install -y mount-s3 && mount-s3 --read-only --allow-other ${var.msd_bucket} /mnt/msd"
    subset   = "su music -c 'cd /opt/music-assets && .venv/bin/music-assets download --data /data' && mount --bind /data/msd /mnt/msd"
  }
  # Volumes are found by their ids: device names differ between instance types.
  msd_serial  = replace(coalesce(one(aws_ebs_volume.msd[*].id), "-"), "-", "")
  data_serial = replace(aws_ebs_volume.data.id, "-", "")
}

# Role: the machine stages, loads and purges, reads its code and the copy of the MSD, and lets people in by Session Manager.
module "role" {
  source      = "../role"
  name        = "${var.name}-machine"
  description = "The research machine stages and loads; people reach it by Session Manager"
  services    = ["ec2.amazonaws.com"]
  statements = concat(var.statements, [
    {
      Sid      = "ReadCode"
      Effect   = "Allow"
      Action   = ["s3:GetObject"]
      Resource = ["${var.bucket.arn}/${var.code_key}"]
    },
    {
      Sid      = "ReadSpotifysCredentials"
      Effect   = "Allow"
      Action   = ["secretsmanager:GetSecretValue"]
      Resource = [var.spotify_secret_arn]
    },
    ], var.msd_source == "s3" ? [{
      Sid    = "ReadMsdCopy"
      Effect = "Allow"
      Action = ["s3:GetObject", "s3:ListBucket"]
      Resource = [
        "arn:${data.aws_partition.current.partition}:s3:::${var.msd_bucket}",
        "arn:${data.aws_partition.current.partition}:s3:::${var.msd_bucket}/*",
      ]
  }] : [])
}

resource "aws_iam_role_policy_attachment" "session_manager" {
  role       = module.role.name
  policy_arn = "arn:${data.aws_partition.current.partition}:iam::aws:policy/AmazonSSMManagedInstanceCore"
}

resource "aws_iam_instance_profile" "this" {
  name = "${var.name}-machine"
  role = module.role.name
}

# Nobody connects to it; Session Manager is reached from inside.
resource "aws_security_group" "this" {
  name        = "${var.name}-machine"
  description = "The research machine: nothing comes in; it reaches AWS, package servers and the music services."
  vpc_id      = var.vpc_id
}

resource "aws_vpc_security_group_egress_rule" "https" {
  security_group_id = aws_security_group.this.id
  description       = "HTTPS"
  cidr_ipv4         = "0.0.0.0/0"
  from_port         = 443
  to_port           = 443
  ip_protocol       = "tcp"
}

resource "aws_vpc_security_group_egress_rule" "warehouse" {
  security_group_id = aws_security_group.this.id
  description       = "SQL to the warehouse"
  cidr_ipv4         = var.vpc_cidr
  from_port         = 5439
  to_port           = 5439
  ip_protocol       = "tcp"
}

# Ledger, Dagster's history, logs: what a run must find again. Small, and kept while there is no machine.
resource "aws_ebs_volume" "data" {
  # checkov:skip=CKV_AWS_189: encrypted by AWS's own key, so that no other role has to be admitted to ours.
  availability_zone = var.zone
  type              = "gp3"
  size              = var.data_gb
  encrypted         = true
  final_snapshot    = var.keep_data
  tags              = { Name = "${var.name}-data" }
}

resource "aws_ebs_volume" "msd" {
  # checkov:skip=CKV_AWS_189: as above; it holds the public MSD.
  count             = var.running && var.msd_source == "snapshot" ? 1 : 0
  availability_zone = var.zone
  type              = "gp3"
  size              = 500
  throughput        = 500
  iops              = 6000
  snapshot_id       = var.msd_snapshot
  encrypted         = true
  # The disk is filled from S3 at this rate (MiB/s) instead of block by block, when each is first read.
  volume_initialization_rate = 200
  tags                       = { Name = "${var.name}-msd" }
}

resource "aws_instance" "this" {
  # checkov:skip=CKV_AWS_88: a public address costs less than a NAT gateway; its security group lets nothing in.
  # checkov:skip=CKV2_AWS_41: it has a role, by the profile above.
  # checkov:skip=CKV_AWS_126: minute metrics do for a machine that people watch while it runs.
  count                                = var.running ? 1 : 0
  ami                                  = data.aws_ssm_parameter.ami.value
  instance_type                        = var.instance_type
  subnet_id                            = var.subnet_id
  associate_public_ip_address          = true
  vpc_security_group_ids               = [aws_security_group.this.id]
  iam_instance_profile                 = aws_iam_instance_profile.this.name
  instance_initiated_shutdown_behavior = "terminate" # when the job is done it ends itself (`when_done`)
  ebs_optimized                        = true
  user_data_replace_on_change          = true

  user_data = templatefile("${path.module}/start.sh.tftpl", {
    data_serial = local.data_serial
    mount       = local.mount[var.msd_source]
    environment = join("\n", [for name in sort(keys(local.environment)) : "${name}=${local.environment[name]}"])
    code        = "s3://${var.bucket.name}/${var.code_key}"
    secret      = var.spotify_secret_arn
    when_done   = var.when_done
  })

  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
  }

  root_block_device {
    volume_type = "gp3"
    volume_size = 30
    encrypted   = true
  }

  tags = { Name = "${var.name}-machine" }
}

resource "aws_volume_attachment" "data" {
  count       = var.running ? 1 : 0
  device_name = "/dev/sdf"
  volume_id   = aws_ebs_volume.data.id
  instance_id = aws_instance.this[0].id
}

resource "aws_volume_attachment" "msd" {
  count       = var.running && var.msd_source == "snapshot" ? 1 : 0
  device_name = "/dev/sdg"
  volume_id   = aws_ebs_volume.msd[0].id
  instance_id = aws_instance.this[0].id
}
