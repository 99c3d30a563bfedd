# How people reach Dagster's UI: an internal load balancer, reached from the VPC or a VPN into it, that lets nobody
# through who has not signed in. Dagster's open-source UI has no sign-in of its own.


resource "aws_security_group" "this" {
  name        = "${var.name}-front"
  description = "Load balancer: HTTPS from the named addresses; reaches the webserver, and Cognito to sign in."
  vpc_id      = var.vpc_id
}

resource "aws_vpc_security_group_ingress_rule" "https" {
  for_each          = toset(var.client_cidrs)
  security_group_id = aws_security_group.this.id
  description       = "HTTPS from ${each.key}"
  cidr_ipv4         = each.key
  from_port         = 443
  to_port           = 443
  ip_protocol       = "tcp"
}

resource "aws_vpc_security_group_egress_rule" "webserver" {
  security_group_id            = aws_security_group.this.id
  description                  = "Requests to the webserver"
  referenced_security_group_id = aws_security_group.webserver.id
  from_port                    = var.port
  to_port                      = var.port
  ip_protocol                  = "tcp"
}

resource "aws_vpc_security_group_egress_rule" "cognito" {
  security_group_id = aws_security_group.this.id
  description       = "Signing in with Cognito"
  cidr_ipv4         = "0.0.0.0/0"
  from_port         = 443
  to_port           = 443
  ip_protocol       = "tcp"
}

# Worn by the webserver beside the group of all tasks.
resource "aws_security_group" "webserver" {
  # checkov:skip=CKV2_AWS_5: the webserver wears it, in the module `dagster`.
  name        = "${var.name}-webserver"
  description = "Webserver: requests from the load balancer alone."
  vpc_id      = var.vpc_id
}

resource "aws_vpc_security_group_ingress_rule" "webserver" {
  security_group_id            = aws_security_group.webserver.id
  description                  = "Requests from the load balancer"
  referenced_security_group_id = aws_security_group.this.id
  from_port                    = var.port
  to_port                      = var.port
  ip_protocol                  = "tcp"
}

resource "aws_lb" "this" {
  # checkov:skip=CKV_AWS_91: an access log needs a bucket that AWS's own account may write; who signed in is in Cognito's log.
  # checkov:skip=CKV_AWS_150: it holds nothing and is made again in minutes; `terraform destroy` must work in one go.
  # checkov:skip=CKV2_AWS_28: it is not on the internet, and nobody gets past it without signing in.
  name                       = var.name
  internal                   = true
  load_balancer_type         = "application"
  subnets                    = var.subnet_ids
  security_groups            = [aws_security_group.this.id]
  drop_invalid_header_fields = true
}

resource "aws_lb_target_group" "webserver" {
  # checkov:skip=CKV_AWS_378: TLS ends at the load balancer; from there to the task it stays in two security groups of the VPC.
  name        = "${var.name}-web"
  vpc_id      = var.vpc_id
  port        = var.port
  protocol    = "HTTP"
  target_type = "ip"
  health_check {
    path    = "/server_info"
    matcher = "200"
  }
}

resource "aws_lb_listener" "https" {
  load_balancer_arn = aws_lb.this.arn
  port              = 443
  protocol          = "HTTPS"
  ssl_policy        = "ELBSecurityPolicy-TLS13-1-2-2021-06"
  certificate_arn   = var.certificate_arn

  default_action {
    order = 1
    type  = "authenticate-cognito"
    authenticate_cognito {
      user_pool_arn              = aws_cognito_user_pool.this.arn
      user_pool_client_id        = aws_cognito_user_pool_client.this.id
      user_pool_domain           = aws_cognito_user_pool_domain.this.domain
      on_unauthenticated_request = "authenticate"
    }
  }

  default_action {
    order            = 2
    type             = "forward"
    target_group_arn = aws_lb_target_group.webserver.arn
  }
}

# Users are made by an administrator, with a second factor.
resource "aws_cognito_user_pool" "this" {
  name                = var.name
  mfa_configuration   = "ON"
  deletion_protection = "INACTIVE"

  software_token_mfa_configuration {
    enabled = true
  }

  admin_create_user_config {
    allow_admin_create_user_only = true
  }

  password_policy {
    minimum_length                   = 14
    require_lowercase                = true
    require_uppercase                = true
    require_numbers                  = true
    require_symbols                  = false
    temporary_password_validity_days = 3
  }
}

resource "aws_cognito_user_pool_domain" "this" {
  user_pool_id = aws_cognito_user_pool.this.id
  domain       = var.sign_in_prefix
}

resource "aws_cognito_user_pool_client" "this" {
  name                                 = var.name
  user_pool_id                         = aws_cognito_user_pool.this.id
  generate_secret                      = true
  callback_urls                        = ["https://${var.hostname}/oauth2/idpresponse"]
  allowed_oauth_flows                  = ["code"]
  allowed_oauth_flows_user_pool_client = true
  allowed_oauth_scopes                 = ["openid"]
  supported_identity_providers         = ["COGNITO"]
  prevent_user_existence_errors        = "ENABLED"
}
