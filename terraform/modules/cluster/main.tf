# The ECS cluster: Fargate for everything, and one EC2 instance at most for reading the MSD (msd.tf).

resource "aws_ecs_cluster" "this" {
  name = var.name
  setting {
    name  = "containerInsights"
    value = "enabled"
  }
}

resource "aws_ecs_cluster_capacity_providers" "this" {
  cluster_name       = aws_ecs_cluster.this.name
  capacity_providers = concat(["FARGATE"], aws_ecs_capacity_provider.msd[*].name)
  default_capacity_provider_strategy {
    capacity_provider = "FARGATE"
    weight            = 1
  }
}

# Every task's interface: nothing comes in (the load balancer has a group of its own), HTTPS and SQL go out.
resource "aws_security_group" "tasks" {
  name        = "${var.name}-tasks"
  description = "Tasks: nothing comes in; HTTPS, PostgreSQL and Redshift go out."
  vpc_id      = var.vpc_id
}

resource "aws_vpc_security_group_egress_rule" "https" {
  security_group_id = aws_security_group.tasks.id
  description       = "Spotify and AWS"
  cidr_ipv4         = "0.0.0.0/0"
  from_port         = 443
  to_port           = 443
  ip_protocol       = "tcp"
}

resource "aws_vpc_security_group_egress_rule" "sql" {
  for_each          = { postgresql = 5432, redshift = 5439 }
  security_group_id = aws_security_group.tasks.id
  description       = "SQL to ${each.key}"
  cidr_ipv4         = var.vpc_cidr
  from_port         = each.value
  to_port           = each.value
  ip_protocol       = "tcp"
}

# An MSD copy on EFS is mounted over NFS.
resource "aws_vpc_security_group_egress_rule" "nfs" {
  count             = var.msd_source == "efs" ? 1 : 0
  security_group_id = aws_security_group.tasks.id
  description       = "The MSD on EFS"
  cidr_ipv4         = var.vpc_cidr
  from_port         = 2049
  to_port           = 2049
  ip_protocol       = "tcp"
}
