# The bucket: staged files, COPY manifests, Dagster's compute logs. Encrypted, versioned, TLS only, never public.

data "aws_caller_identity" "current" {}
data "aws_region" "current" {}

resource "aws_s3_bucket" "this" {
  # checkov:skip=CKV_AWS_18: access logs would be a second bucket of who read what; CloudTrail data events do that where it is asked for.
  # checkov:skip=CKV_AWS_144: another region's copy would keep Spotify content past its retention; all of it can be made again.
  # checkov:skip=CKV2_AWS_62: nothing listens to object events; Dagster knows what it wrote.
  bucket        = "${var.name}-${data.aws_caller_identity.current.account_id}-${data.aws_region.current.region}"
  force_destroy = var.force_destroy
}

resource "aws_s3_bucket_versioning" "this" {
  bucket = aws_s3_bucket.this.id
  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "this" {
  bucket = aws_s3_bucket.this.id
  rule {
    bucket_key_enabled = true
    apply_server_side_encryption_by_default {
      sse_algorithm     = "aws:kms"
      kms_master_key_id = var.key_arn
    }
  }
}

resource "aws_s3_bucket_public_access_block" "this" {
  bucket                  = aws_s3_bucket.this.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "this" {
  bucket = aws_s3_bucket.this.id
  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_policy" "this" {
  bucket = aws_s3_bucket.this.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "TlsOnly"
      Effect    = "Deny"
      Action    = "s3:*"
      Principal = "*"
      Resource  = [aws_s3_bucket.this.arn, "${aws_s3_bucket.this.arn}/*"]
      Condition = { Bool = { "aws:SecureTransport" = "false" } }
    }]
  })
  depends_on = [aws_s3_bucket_public_access_block.this]
}

# Spotify's terms forbid keeping its content without end. `music-assets purge` removes by each value's own age;
# this is the floor below it: no staged file of Spotify content outlives the retention, old versions included.
resource "aws_s3_bucket_lifecycle_configuration" "this" {
  bucket = aws_s3_bucket.this.id

  dynamic "rule" {
    for_each = toset(var.spotify_kinds)
    content {
      id     = "retention-${rule.key}"
      status = "Enabled"
      filter {
        prefix = "${var.staging_prefix}/${rule.key}/"
      }
      expiration {
        days = var.retention_days
      }
    }
  }

  # What each load named to COPY: names and sizes of files, no content.
  rule {
    id     = "copy-manifests"
    status = "Enabled"
    filter {
      prefix = "${var.staging_prefix}/copy/"
    }
    expiration {
      days = var.logs_days
    }
  }

  rule {
    id     = "compute-logs"
    status = "Enabled"
    filter {
      prefix = "${var.logs_prefix}/"
    }
    expiration {
      days = var.logs_days
    }
  }

  rule {
    id     = "old-versions"
    status = "Enabled"
    filter {}
    noncurrent_version_expiration {
      noncurrent_days = var.noncurrent_days
    }
    abort_incomplete_multipart_upload {
      days_after_initiation = 1
    }
  }

  rule {
    id     = "delete-markers"
    status = "Enabled"
    filter {}
    expiration {
      expired_object_delete_marker = true
    }
  }

  depends_on = [aws_s3_bucket_versioning.this]
}
