# A place for Spotify's credentials. Their value is put in by hand (docs/aws.md), so that no state holds it.

resource "aws_secretsmanager_secret" "this" {
  # checkov:skip=CKV2_AWS_57: Spotify's credentials are renewed on its dashboard by hand; there is no call for it.
  name        = "${var.name}/spotify"
  description = "Spotify's credentials: client_id and client_secret"
  kms_key_id  = var.key_arn

  recovery_window_in_days = var.protect ? 30 : 0 # 0: the name is free again at once
}
