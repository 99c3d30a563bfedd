output "warehouses" {
  description = "By who connects: MUSIC_ASSETS_WAREHOUSE, and the secret the password is read from when a connection is opened."
  value = {
    for user, secret in merge({ admin = local.secret_arn }, { for user, one in aws_secretsmanager_secret.user : user => one.arn }) :
    user => {
      url        = "redshift+redshift_connector://${local.host}:${local.port}/${var.database}?secret=${secret}"
      secret_arn = secret
    }
  }
}

output "copy_role_arn" {
  description = "MUSIC_ASSETS_REDSHIFT_IAM_ROLE: the role COPY uses."
  value       = module.role.arn
}

output "reader_policy_json" {
  description = "IAM policy to attach to people who read: they connect as themselves, and `music-assets grant` says what they see."
  value = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      local.serverless ? [
        {
          Effect   = "Allow"
          Action   = ["redshift-serverless:GetCredentials", "redshift-serverless:GetWorkgroup"]
          Resource = [aws_redshiftserverless_workgroup.this[0].arn]
        },
        {
          Effect   = "Allow"
          Action   = ["redshift-data:ExecuteStatement", "redshift-data:BatchExecuteStatement"]
          Resource = [aws_redshiftserverless_workgroup.this[0].arn]
        },
        ] : [
        {
          Effect   = "Allow"
          Action   = ["redshift:GetClusterCredentialsWithIAM"]
          Resource = ["${local.cluster_arn}:dbname:${var.name}/${var.database}"]
        },
        {
          Effect   = "Allow"
          Action   = ["redshift-data:ExecuteStatement", "redshift-data:BatchExecuteStatement"]
          Resource = ["${local.cluster_arn}:cluster:${var.name}"]
        },
      ],
      # The Data API, which needs no way into the VPC: each sees what they have sent themselves.
      [
        {
          Effect    = "Allow"
          Action    = ["redshift-data:DescribeStatement", "redshift-data:GetStatementResult", "redshift-data:CancelStatement"]
          Resource  = ["*"]
          Condition = { StringEquals = { "redshift-data:statement-owner-iam-userid" = "$${aws:userid}" } }
        },
      ],
    )
  })
}

output "workgroup" {
  description = "Serverless: the workgroup, as metrics name it; else nothing."
  value       = one(aws_redshiftserverless_workgroup.this[*].workgroup_name)
}
