mock_provider "aws" {
  source          = "../../tests/mocks"
  override_during = plan
}

variables {
  prefix                 = "demo"
  bucket_name            = "demo-111122223333-eu-west-1-uploads"
  kms_key_arn            = "arn:aws:kms:eu-west-1:111122223333:key/00000000-0000-0000-0000-000000000000"
  score_trigger          = "queue"
  queue                  = { batch_size = 5, max_concurrency = 10 }
  scorer_timeout_seconds = 60
  retention_days         = 90

  scorer = {
    function_name = "demo-score"
    alias_name    = "live"
    alias_arn     = "arn:aws:lambda:eu-west-1:111122223333:function:demo-score:live"
  }
}

run "feeds_the_scorer_through_the_queue" {
  command = plan

  assert {
    condition     = one(aws_s3_bucket_notification.uploads.queue).filter_prefix == "uploads/" && length(aws_s3_bucket_notification.uploads.lambda_function) == 0
    error_message = "Uploads do not go to the queue alone."
  }

  assert {
    condition     = aws_lambda_event_source_mapping.score[0].function_name == var.scorer.alias_arn
    error_message = "The queue does not call the alias."
  }

  assert {
    condition     = contains(aws_lambda_event_source_mapping.score[0].function_response_types, "ReportBatchItemFailures")
    error_message = "One bad photo would send its whole batch back."
  }

  assert {
    condition     = jsondecode(one(one(aws_lambda_event_source_mapping.score[0].filter_criteria).filter).pattern) == { body = { Event = [{ exists = false }] } }
    error_message = "S3's test event reaches the scorer, or photos do not."
  }

  assert {
    condition     = one(aws_lambda_event_source_mapping.score[0].scaling_config).maximum_concurrency == 10
    error_message = "max_concurrency does not reach the event source mapping."
  }

  assert {
    condition     = length(aws_lambda_permission.s3_invokes_scorer) == 0
    error_message = "S3 may call the scorer although it does not need to."
  }

  assert {
    condition     = output.score_queue != null
    error_message = "The queue is not in the outputs."
  }
}

run "calls_the_scorer_directly" {
  command = plan

  variables {
    score_trigger = "direct"
  }

  assert {
    condition     = one(aws_s3_bucket_notification.uploads.lambda_function).lambda_function_arn == var.scorer.alias_arn && length(aws_s3_bucket_notification.uploads.queue) == 0
    error_message = "Uploads do not go to the scorer alone."
  }

  assert {
    condition     = aws_lambda_permission.s3_invokes_scorer[0].qualifier == "live"
    error_message = "S3 may not call the alias."
  }

  assert {
    condition     = length(aws_lambda_event_source_mapping.score) == 0 && output.score_queue == null
    error_message = "There is a queue although nothing uses it."
  }
}

run "admits_named_origins_only" {
  command = plan

  variables {
    allowed_origins = ["https://example.org"]
  }

  assert {
    condition     = one(aws_s3_bucket_cors_configuration.uploads[0].cors_rule).allowed_origins == toset(["https://example.org"])
    error_message = "The page may not upload, or others may."
  }
}

run "has_no_cors_without_a_page" {
  command = plan

  assert {
    condition     = length(aws_s3_bucket_cors_configuration.uploads) == 0
    error_message = "S3 would refuse a CORS rule without origins."
  }
}

run "reject_score_trigger" {
  command = plan

  variables {
    score_trigger = "both"
  }

  expect_failures = [var.score_trigger]
}

run "reject_queue_batch_size" {
  command = plan

  variables {
    queue = { batch_size = 11, max_concurrency = 10 }
  }

  expect_failures = [var.queue]
}

run "reject_queue_max_concurrency" {
  command = plan

  variables {
    queue = { batch_size = 5, max_concurrency = 1 }
  }

  expect_failures = [var.queue]
}

run "reject_scorer_timeout_seconds" {
  command = plan

  variables {
    scorer_timeout_seconds = 901
  }

  expect_failures = [var.scorer_timeout_seconds]
}

run "reject_allowed_origins" {
  command = plan

  variables {
    allowed_origins = ["*"]
  }

  expect_failures = [var.allowed_origins]
}

run "reject_retention_days" {
  command = plan

  variables {
    retention_days = 0
  }

  expect_failures = [var.retention_days]
}
