data "aws_caller_identity" "current" {}

# Uploads that could not be scored wait here, whichever way they came.
module "score_failures" {
  source = "../private_queue"

  name           = "${var.prefix}-score-failures"
  retention_days = 14
  require_tls    = var.require_tls
}

# score_trigger = "queue": bucket → queue → scorer

module "score_queue" {
  source = "../private_queue"
  count  = local.queued ? 1 : 0

  name = "${var.prefix}-score"
  # Six times the function's time-out, so that a throttled call is retried before the message shows again (Lambda
  # developer guide, "Using Lambda with Amazon SQS").
  visibility_timeout_seconds = 6 * var.scorer_timeout_seconds
  require_tls                = var.require_tls

  redrive = {
    queue_arn    = module.score_failures.arn
    queue_url    = module.score_failures.url
    max_receives = var.queue.max_receives
  }

  senders = [{ service = "s3.amazonaws.com", source_arn = module.uploads.arn }]
}

resource "aws_lambda_event_source_mapping" "score" {
  count = local.queued ? 1 : 0

  event_source_arn        = module.score_queue[0].arn
  function_name           = var.scorer.alias_arn
  batch_size              = var.queue.batch_size
  function_response_types = ["ReportBatchItemFailures"]

  # S3 sends a test event to a new queue, before there is anything that the function could start with. What a filter
  # does not admit, Lambda deletes (Lambda developer guide, "Using event filtering with an Amazon SQS event source").
  filter_criteria {
    filter {
      pattern = jsonencode({ body = { Event = [{ exists = false }] } })
    }
  }

  scaling_config {
    maximum_concurrency = var.queue.max_concurrency
  }
}

# score_trigger = "direct": bucket → scorer

resource "aws_lambda_permission" "s3_invokes_scorer" {
  count = local.queued ? 0 : 1

  statement_id   = "uploads-bucket"
  action         = "lambda:InvokeFunction"
  principal      = "s3.amazonaws.com"
  function_name  = var.scorer.function_name
  qualifier      = var.scorer.alias_name
  source_arn     = module.uploads.arn
  source_account = data.aws_caller_identity.current.account_id
}
