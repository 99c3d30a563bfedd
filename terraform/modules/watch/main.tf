# What people are told, and when: runs that failed or were lost, tables that were not fresh at the deadline, a UI that
# is down, money. Everything goes to one topic, and from there to the addresses named.

data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}

locals {
  namespace = var.name
}

resource "aws_sns_topic" "alerts" {
  name              = "${var.name}-alerts"
  kms_master_key_id = var.key_arn
}

resource "aws_sns_topic_policy" "alerts" {
  arn = aws_sns_topic.alerts.arn
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "AlarmsAndBudgetPublish"
      Effect    = "Allow"
      Action    = "sns:Publish"
      Resource  = aws_sns_topic.alerts.arn
      Principal = { Service = ["cloudwatch.amazonaws.com", "budgets.amazonaws.com"] }
      Condition = { StringEquals = { "aws:SourceAccount" = data.aws_caller_identity.current.account_id } }
    }]
  })
}

resource "aws_sns_topic_subscription" "people" {
  for_each  = toset(var.alert_emails)
  topic_arn = aws_sns_topic.alerts.arn
  protocol  = "email"
  endpoint  = each.key
}

# Counted from the log lines of Dagster's own events.
resource "aws_cloudwatch_log_metric_filter" "this" {
  for_each = {
    FailedRuns = { group = "run", pattern = "\"RUN_FAILURE\"" }
    LostRuns   = { group = "daemon", pattern = "\"Detected run worker status\"" }
    Published  = { group = "run", pattern = "\"RUN_SUCCESS\" \" - ${var.publishing_job} - \"" }
  }
  name           = each.key
  log_group_name = var.log_groups[each.value.group]
  pattern        = each.value.pattern
  metric_transformation {
    namespace     = local.namespace
    name          = each.key
    value         = "1"
    default_value = "0"
  }
}

resource "aws_cloudwatch_metric_alarm" "runs" {
  for_each = {
    FailedRuns = "A run failed: the webserver's Runs page shows its partition, the cause, and the button to retry."
    LostRuns   = "A run's task was lost: Dagster starts it anew; look at stopped tasks if it repeats."
  }
  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = each.value
  namespace           = local.namespace
  metric_name         = aws_cloudwatch_log_metric_filter.this[each.key].name
  statistic           = "Sum"
  period              = 300
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alerts.arn]
}

# Not fresh by the deadline: at that hour (in the people's time zone) the scheduler writes a mark; it alarms if no
# publishing run has succeeded in the hours before.
resource "aws_cloudwatch_metric_alarm" "unpublished" {
  alarm_name          = "${var.name}-unpublished"
  alarm_description   = "No run of ${var.publishing_job} has succeeded in the last ${var.fresh_hours} hours. Tells nobody by itself."
  namespace           = local.namespace
  metric_name         = aws_cloudwatch_log_metric_filter.this["Published"].name
  statistic           = "Sum"
  period              = 3600
  evaluation_periods  = var.fresh_hours
  datapoints_to_alarm = var.fresh_hours
  comparison_operator = "LessThanThreshold"
  threshold           = 1
  treat_missing_data  = "breaching"
}

resource "aws_cloudwatch_metric_alarm" "deadline" {
  alarm_name          = "${var.name}-deadline"
  alarm_description   = "The hour at which tables must be fresh has come. Tells nobody by itself."
  namespace           = local.namespace
  metric_name         = "Deadline"
  statistic           = "Sum"
  period              = 300
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  treat_missing_data  = "notBreaching"
}

resource "aws_cloudwatch_composite_alarm" "stale" {
  alarm_name        = "${var.name}-stale"
  alarm_description = "The tables were not published by the deadline: look at the last run of ${var.publishing_job}, and whether its schedule is on."
  alarm_rule        = "ALARM(${aws_cloudwatch_metric_alarm.deadline.alarm_name}) AND ALARM(${aws_cloudwatch_metric_alarm.unpublished.alarm_name})"
  alarm_actions     = [aws_sns_topic.alerts.arn]
}

resource "aws_scheduler_schedule" "deadline" {
  name                         = "${var.name}-deadline"
  description                  = "Marks the hour at which the tables must be fresh"
  schedule_expression          = var.deadline
  schedule_expression_timezone = var.timezone
  kms_key_arn                  = var.key_arn
  flexible_time_window {
    mode = "OFF"
  }
  target {
    arn      = "arn:${data.aws_partition.current.partition}:scheduler:::aws-sdk:cloudwatch:putMetricData"
    role_arn = module.role.arn
    input = jsonencode({
      Namespace  = local.namespace
      MetricData = [{ MetricName = "Deadline", Value = 1 }]
    })
  }
}

# Role: the scheduler writes the deadline's mark, in this namespace alone.
module "role" {
  source      = "../role"
  name        = "${var.name}-deadline"
  description = "The scheduler writes the deadline's mark"
  services    = ["scheduler.amazonaws.com"]
  statements = [
    {
      Effect    = "Allow"
      Action    = "cloudwatch:PutMetricData"
      Resource  = "*"
      Condition = { StringEquals = { "cloudwatch:namespace" = local.namespace } }
    },
    {
      Effect   = "Allow"
      Action   = "kms:Decrypt"
      Resource = var.key_arn
    },
  ]
}

# A service that reports no CPU has no task.
resource "aws_cloudwatch_metric_alarm" "service" {
  for_each = {
    webserver = "No webserver answers"
    daemon    = "The daemon is gone: no schedule, sensor or queued run starts"
  }
  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = "${each.value}. Look at the events of the ECS service `${each.key}`."
  namespace           = "AWS/ECS"
  metric_name         = "CPUUtilization"
  dimensions          = { ClusterName = var.cluster_name, ServiceName = each.key }
  statistic           = "SampleCount"
  period              = 300
  evaluation_periods  = 2
  comparison_operator = "LessThanThreshold"
  threshold           = 1
  treat_missing_data  = "breaching"
  alarm_actions       = [aws_sns_topic.alerts.arn]
}

resource "aws_cloudwatch_metric_alarm" "storage_full" {
  alarm_name          = "${var.name}-storage"
  alarm_description   = "Dagster's database is short of disk: shorten what is kept, or raise max_allocated_storage."
  namespace           = "AWS/RDS"
  metric_name         = "FreeStorageSpace"
  dimensions          = { DBInstanceIdentifier = var.storage_instance_id }
  statistic           = "Minimum"
  period              = 300
  evaluation_periods  = 2
  comparison_operator = "LessThanThreshold"
  threshold           = 2 * 1024 * 1024 * 1024
  alarm_actions       = [aws_sns_topic.alerts.arn]
}

# What readers and loads take of the warehouse in a day; ComputeSeconds are RPU-seconds.
resource "aws_cloudwatch_metric_alarm" "warehouse" {
  count               = var.workgroup == null ? 0 : 1
  alarm_name          = "${var.name}-warehouse"
  alarm_description   = "The warehouse has worked more than ${var.rpu_hours_a_day} RPU-hours in a day: sys_query_history shows whose queries took them."
  namespace           = "AWS/Redshift-Serverless"
  metric_name         = "ComputeSeconds"
  dimensions          = { Workgroup = var.workgroup }
  statistic           = "Sum"
  period              = 86400
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = var.rpu_hours_a_day * 3600
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alerts.arn]
}

# An instance with the MSD that stays: runs of `extract` take hours, not days.
resource "aws_cloudwatch_metric_alarm" "msd" {
  count               = var.msd_group == null ? 0 : 1
  alarm_name          = "${var.name}-msd"
  alarm_description   = "An instance with the MSD has been there for a day: look whether a run of `extract` still needs it."
  namespace           = "AWS/AutoScaling"
  metric_name         = "GroupInServiceInstances"
  dimensions          = { AutoScalingGroupName = var.msd_group }
  statistic           = "Minimum"
  period              = 3600
  evaluation_periods  = 24
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alerts.arn]
}

resource "aws_budgets_budget" "month" {
  name         = var.name
  budget_type  = "COST"
  time_unit    = "MONTHLY"
  limit_amount = tostring(var.budget_usd)
  limit_unit   = "USD"

  # Of this project alone, where the tag `project` is activated for cost allocation (docs/aws.md).
  dynamic "cost_filter" {
    for_each = var.budget_by_tag ? [var.name] : []
    content {
      name   = "TagKeyValue"
      values = ["user:project$$${cost_filter.value}"]
    }
  }

  dynamic "notification" {
    for_each = { ACTUAL = 80, FORECASTED = 100 }
    content {
      notification_type         = notification.key
      threshold                 = notification.value
      threshold_type            = "PERCENTAGE"
      comparison_operator       = "GREATER_THAN"
      subscriber_sns_topic_arns = [aws_sns_topic.alerts.arn]
    }
  }
}
