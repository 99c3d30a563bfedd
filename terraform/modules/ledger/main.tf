# The ledger: every answer ever paid for with a request, and the lease of the one process that may ask.

resource "aws_dynamodb_table" "this" {
  name                        = var.name
  billing_mode                = "PAY_PER_REQUEST"
  hash_key                    = "key"
  deletion_protection_enabled = var.deletion_protection

  attribute {
    name = "key"
    type = "S"
  }

  attribute {
    name = "kind"
    type = "S"
  }

  attribute {
    name = "moment"
    type = "N"
  }

  # Keys and index are those of music_assets/sources/ledger/table.py; a test holds them equal.
  global_secondary_index {
    name            = "by_age"
    hash_key        = "kind"
    range_key       = "moment"
    projection_type = "KEYS_ONLY"
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
