output "topic_arn" {
  description = "MUSIC_ASSETS_ALERT_SNS."
  value       = aws_sns_topic.alerts.arn
}
