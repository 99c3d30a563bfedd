output "warehouse_url" {
  description = "MUSIC_ASSETS_WAREHOUSE; the password is read from Secrets Manager when a connection is opened."
  value       = "redshift+redshift_connector://${local.host}:${local.port}/${var.database}?secret=${local.secret_arn}"
}

output "copy_role_arn" {
  description = "MUSIC_ASSETS_REDSHIFT_IAM_ROLE: the role COPY uses."
  value       = aws_iam_role.copy.arn
}

output "login_statements" {
  description = "IAM statements that let a role connect as the loader."
  value = [
    {
      Sid      = "ReadWarehousePassword"
      Effect   = "Allow"
      Action   = ["secretsmanager:GetSecretValue", "secretsmanager:DescribeSecret"]
      Resource = [local.secret_arn]
    },
  ]
}

output "reader_policy_json" {
  description = "IAM policy to attach to people who read: they connect as themselves, and `music-assets grant` says what they see."
  value = jsonencode({
    Version = "2012-10-17"
    Statement = local.serverless ? [
      {
        Effect   = "Allow"
        Action   = ["redshift-serverless:GetCredentials", "redshift-serverless:GetWorkgroup"]
        Resource = [aws_redshiftserverless_workgroup.this[0].arn]
      },
      ] : [
      {
        Effect = "Allow"
        Action = ["redshift:GetClusterCredentialsWithIAM"]
        Resource = [
          "arn:${data.aws_partition.current.partition}:redshift:${data.aws_region.current.region}:${data.aws_caller_identity.current.account_id}:dbname:${var.name}/${var.database}",
        ]
      },
    ]
  })
}
