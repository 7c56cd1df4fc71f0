mock_provider "aws" {
  source          = "../../tests/mocks"
  override_during = plan
}

variables {
  name = "demo-score"
}

run "is_encrypted_and_demands_tls" {
  command = plan

  assert {
    condition     = aws_sqs_queue.this.sqs_managed_sse_enabled
    error_message = "Messages are not encrypted."
  }

  assert {
    condition     = one(data.aws_iam_policy_document.this.statement).effect == "Deny" && one(one(data.aws_iam_policy_document.this.statement).condition).variable == "aws:SecureTransport"
    error_message = "Requests without TLS are not refused."
  }

  assert {
    condition     = length(aws_sqs_queue_redrive_allow_policy.failures) == 0
    error_message = "A queue without redrive changes another queue."
  }
}

run "hands_failures_to_one_queue" {
  command = plan

  variables {
    redrive = {
      queue_arn    = "arn:aws:sqs:eu-west-1:111122223333:failures"
      queue_url    = "https://sqs.eu-west-1.amazonaws.com/111122223333/failures"
      max_receives = 5
    }
  }

  assert {
    condition     = jsondecode(aws_sqs_queue.this.redrive_policy) == { deadLetterTargetArn = var.redrive.queue_arn, maxReceiveCount = 5 }
    error_message = "Failed messages do not go to the failure queue after max_receives."
  }

  assert {
    condition     = aws_sqs_queue_redrive_allow_policy.failures[0].queue_url == var.redrive.queue_url
    error_message = "The failure queue does not know whose failures it takes."
  }
}

run "admits_a_service_for_one_source" {
  command = plan

  variables {
    senders = [{ service = "s3.amazonaws.com", source_arn = "arn:aws:s3:::uploads" }]
  }

  assert {
    condition = anytrue([
      for condition in data.aws_iam_policy_document.this.statement[1].condition :
      condition.variable == "aws:SourceArn" && condition.values == tolist(["arn:aws:s3:::uploads"])
    ])
    error_message = "The sender is not bound to its source."
  }

  assert {
    condition     = anytrue([for condition in data.aws_iam_policy_document.this.statement[1].condition : condition.variable == "aws:SourceAccount"])
    error_message = "The sender is not bound to this account."
  }
}

run "reject_name" {
  command = plan

  variables {
    name = "a queue"
  }

  expect_failures = [var.name]
}

run "reject_visibility_timeout_seconds" {
  command = plan

  variables {
    visibility_timeout_seconds = 43201
  }

  expect_failures = [var.visibility_timeout_seconds]
}

run "reject_retention_days" {
  command = plan

  variables {
    retention_days = 15
  }

  expect_failures = [var.retention_days]
}

run "reject_redrive_max_receives" {
  command = plan

  variables {
    redrive = {
      queue_arn    = "arn:aws:sqs:eu-west-1:111122223333:failures"
      queue_url    = "https://sqs.eu-west-1.amazonaws.com/111122223333/failures"
      max_receives = 0
    }
  }

  expect_failures = [var.redrive]
}
