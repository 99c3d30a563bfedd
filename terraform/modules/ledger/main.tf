# The ledger: every answer ever paid for with a request, and the lease of the one process that may ask.

resource "aws_dynamodb_table" "this" {
  name                        = var.name
  billing_mode                = "PAY_PER_REQUEST"
  hash_key                    = "pk"
  range_key                   = "sk"
  deletion_protection_enabled = var.deletion_protection

  attribute {
    name = "pk"
    type = "S"
  }

  attribute {
    name = "sk"
    type = "S"
  }

  server_side_encryption {
    enabled     = true
    kms_key_arn = var.key_arn
  }

  # A purge deletes; backups hold what was deleted for this much longer.
  point_in_time_recovery {
    enabled                 = true
    recovery_period_in_days = var.recovery_days
  }
}
