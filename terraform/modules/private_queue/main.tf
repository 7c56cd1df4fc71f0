data "aws_caller_identity" "current" {}

resource "aws_sqs_queue" "this" {
  name                       = var.name
  visibility_timeout_seconds = var.visibility_timeout_seconds
  message_retention_seconds  = var.retention_days * 24 * 60 * 60
  receive_wait_time_seconds  = 20 # the longest long poll: fewest empty receives
  sqs_managed_sse_enabled    = true

  redrive_policy = var.redrive == null ? null : jsonencode({
    deadLetterTargetArn = var.redrive.queue_arn
    maxReceiveCount     = var.redrive.max_receives
  })
}

# Without this any queue of the account could send its failures there.
resource "aws_sqs_queue_redrive_allow_policy" "failures" {
  count = var.redrive == null ? 0 : 1

  queue_url = var.redrive.queue_url
  redrive_allow_policy = jsonencode({
    redrivePermission = "byQueue"
    sourceQueueArns   = [aws_sqs_queue.this.arn]
  })
}

data "aws_iam_policy_document" "this" {
  dynamic "statement" {
    for_each = var.require_tls ? ["DenyWithoutTls"] : []

    content {
      sid       = statement.value
      effect    = "Deny"
      actions   = ["sqs:*"]
      resources = [aws_sqs_queue.this.arn]

      principals {
        type        = "*"
        identifiers = ["*"]
      }

      condition {
        test     = "Bool"
        variable = "aws:SecureTransport"
        values   = ["false"]
      }
    }
  }

  dynamic "statement" {
    for_each = var.senders

    content {
      actions   = ["sqs:SendMessage"]
      resources = [aws_sqs_queue.this.arn]

      principals {
        type        = "Service"
        identifiers = [statement.value.service]
      }

      condition {
        test     = "ArnEquals"
        variable = "aws:SourceArn"
        values   = [statement.value.source_arn]
      }

      condition {
        test     = "StringEquals"
        variable = "aws:SourceAccount"
        values   = [data.aws_caller_identity.current.account_id]
      }
    }
  }
}

resource "aws_sqs_queue_policy" "this" {
  # SQS refuses a policy without statements.
  count = var.require_tls || length(var.senders) > 0 ? 1 : 0

  queue_url = aws_sqs_queue.this.url
  policy    = data.aws_iam_policy_document.this.json
}
