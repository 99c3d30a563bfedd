# A role for a service, with one policy of its own, within the boundary of every role here: terraform/boundary.json, a policy
# that is made once by whoever sets up the account (docs/aws.md), so that those who apply this cannot widen it.

data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}

locals {
  # On behalf of this account alone; EC2 does not say on whose.
  condition = { StringEquals = { "aws:SourceAccount" = data.aws_caller_identity.current.account_id } }
  known     = !contains(var.services, "ec2.amazonaws.com")
}

resource "aws_iam_role" "this" {
  name                 = var.name
  description          = var.description
  permissions_boundary = "arn:${data.aws_partition.current.partition}:iam::${data.aws_caller_identity.current.account_id}:policy/music-assets-boundary"
  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [merge(
      { Effect = "Allow", Action = "sts:AssumeRole", Principal = { Service = var.services } },
      { for name, value in { Condition = local.condition } : name => value if local.known },
    )]
  })
}

resource "aws_iam_role_policy" "this" {
  # checkov:skip=CKV_AWS_355: some calls take no resource (ecr:GetAuthorizationToken, PutMetricData, Describe…); a test looks.
  # checkov:skip=CKV_AWS_290: the same calls; every other statement names its resources.
  count  = length(var.statements) > 0 ? 1 : 0
  name   = "own"
  role   = aws_iam_role.this.id
  policy = jsonencode({ Version = "2012-10-17", Statement = var.statements })
}

output "arn" {
  description = "The role's ARN."
  value       = aws_iam_role.this.arn
}

output "name" {
  description = "The role's name."
  value       = aws_iam_role.this.name
}
