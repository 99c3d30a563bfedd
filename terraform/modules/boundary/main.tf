# The permissions boundary of every role here: whatever a role's policy says, it can do nothing beyond. The policy is
# terraform/boundary.json; it is made once by whoever sets up the account (docs/aws.md), so that those who apply this
# cannot widen it.

data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}

output "arn" {
  description = "The boundary's ARN."
  value       = "arn:${data.aws_partition.current.partition}:iam::${data.aws_caller_identity.current.account_id}:policy/music-assets-boundary"
}
