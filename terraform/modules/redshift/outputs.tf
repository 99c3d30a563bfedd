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
