data "aws_caller_identity" "current" {}

resource "aws_sns_topic" "alarms" {
  name              = "${var.prefix}-alarms"
  kms_master_key_id = var.kms_key_arn
}

data "aws_iam_policy_document" "alarms" {
  statement {
    sid       = "CloudWatchPublishes"
    actions   = ["sns:Publish"]
    resources = [aws_sns_topic.alarms.arn]

    principals {
      type        = "Service"
      identifiers = ["cloudwatch.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [data.aws_caller_identity.current.account_id]
    }
  }
}

resource "aws_sns_topic_policy" "alarms" {
  arn    = aws_sns_topic.alarms.arn
  policy = data.aws_iam_policy_document.alarms.json
}

resource "aws_sns_topic_subscription" "email" {
  for_each = toset(var.alarm_emails)

  topic_arn = aws_sns_topic.alarms.arn
  protocol  = "email"
  endpoint  = each.value
}

resource "aws_cloudwatch_metric_alarm" "failures" {
  for_each = var.failure_queues

  alarm_name          = "${each.value}-not-empty"
  alarm_description   = "Failed for good: ${each.key}. Find out why in the log, then have them tried again as docs/operations.md says; ${each.value} drops messages after 14 days."
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateNumberOfMessagesVisible"
  dimensions          = { QueueName = each.value }
  statistic           = "Maximum"
  period              = 300
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
}

resource "aws_cloudwatch_metric_alarm" "waiting" {
  for_each = var.work_queues

  alarm_name          = "${each.value}-waiting"
  alarm_description   = "Nobody has taken the oldest of ${each.key} for ${var.longest_wait_minutes} minutes. See whether its consumer runs and whether it is throttled."
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateAgeOfOldestMessage"
  dimensions          = { QueueName = each.value }
  statistic           = "Maximum"
  period              = 300
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = var.longest_wait_minutes * 60 # seconds
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
}

# What the functions say of themselves; for Lambda their calls ended well.
locals {
  serving_faults = merge(local.model_faults, local.request_faults)

  # A photo is scored all the same.
  model_faults = {
    EnsembleRefused = {
      service     = var.functions.score
      description = "An ensemble cannot be served, and the last good one goes on in its place. Read the scorer's log, then publish the version again or move the alias back."
    }
    JitFallback = {
      service     = var.functions.score
      description = "Models have no executable for the processors that Lambda gives, so every cold container compiles for seconds. Publish them again with this release."
    }
    ModelsRefused = {
      service     = var.functions.publish
      description = "An uploaded model is at fault and was not published. Its record in the results table (pk = PUBLICATION#name) says why."
    }
  }

  request_faults = { for purpose, name in var.functions : "RequestsFaulted" => {
    service     = name
    description = "Requests were answered by 500 or 503: AWS refused the API something, the models cannot be read, or the code has a defect. ${name} logs why."
  } if purpose == "api" }
}

resource "aws_cloudwatch_metric_alarm" "serving" {
  for_each = local.serving_faults

  alarm_name          = "${var.prefix}-${each.key}"
  alarm_description   = each.value.description
  namespace           = var.metric_namespace
  metric_name         = each.key
  dimensions          = { service = each.value.service }
  statistic           = "Sum"
  period              = 300
  evaluation_periods  = 1
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
}

resource "aws_cloudwatch_metric_alarm" "table_throttled" {
  for_each = toset(["ReadThrottleEvents", "WriteThrottleEvents"])

  alarm_name          = "${var.results_table_name}-${each.value}"
  alarm_description   = "DynamoDB refuses requests to ${var.results_table_name}. Retries catch short bursts; if it lasts, one batch is far hotter than the rest or a limit of the table is too low."
  namespace           = "AWS/DynamoDB"
  metric_name         = each.value
  dimensions          = { TableName = var.results_table_name }
  statistic           = "Sum"
  period              = 300
  evaluation_periods  = 2
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  treat_missing_data  = "notBreaching"
  alarm_actions       = [aws_sns_topic.alarms.arn]
  ok_actions          = [aws_sns_topic.alarms.arn]
}
