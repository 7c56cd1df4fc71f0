# An alarm that names the topic may publish to it.
output "alarm_topic_arn" {
  description = "Topic that alarms go to."
  value       = aws_sns_topic.alarms.arn
  depends_on  = [aws_sns_topic_policy.alarms]
}

output "dashboard_name" {
  description = "Name of the dashboard."
  value       = aws_cloudwatch_dashboard.overview.dashboard_name
}
