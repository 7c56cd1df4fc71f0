mock_provider "aws" {
  source          = "../../tests/mocks"
  override_during = plan
}

variables {
  prefix             = "demo"
  metric_namespace   = "Memorability"
  functions          = { score = "demo-score", publish = "demo-publish" }
  work_queues        = { "photos to score" = "demo-score" }
  failure_queues     = { "photos to score" = "demo-score-failures" }
  worker_fleet_name  = "demo-heatmap-workers"
  file_system_id     = "fs-0123456789abcdef0"
  results_table_name = "demo-results"
  kms_key_arn        = "arn:aws:kms:eu-west-1:111122223333:key/00000000-0000-0000-0000-000000000000"
}

run "alarms_reach_people" {
  command = plan

  variables {
    alarm_emails = ["team@example.org"]
  }

  assert {
    condition     = aws_sns_topic.alarms.kms_master_key_id == var.kms_key_arn
    error_message = "Alarms are not encrypted with a key that CloudWatch may use."
  }

  assert {
    condition     = aws_sns_topic_subscription.email["team@example.org"].endpoint == "team@example.org"
    error_message = "Nobody is told."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.failures["photos to score"].dimensions.QueueName == "demo-score-failures" && aws_cloudwatch_metric_alarm.failures["photos to score"].threshold == 0
    error_message = "A failed photo raises no alarm."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.waiting["photos to score"].threshold == 900
    error_message = "Waiting work raises no alarm after 15 minutes."
  }
}

run "tells_of_models_that_are_not_served_as_meant" {
  command = plan

  assert {
    condition = {
      for metric, alarm in aws_cloudwatch_metric_alarm.serving : metric => alarm.dimensions.service
    } == { EnsembleRefused = "demo-score", JitFallback = "demo-score", ModelsRefused = "demo-publish" }
    error_message = "Nobody learns that a model was refused or is compiled anew in every container."
  }
}

run "tells_of_requests_that_the_api_fails" {
  command = plan

  variables {
    functions = { score = "demo-score", publish = "demo-publish", api = "demo-api" }
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.serving["RequestsFaulted"].dimensions.service == "demo-api"
    error_message = "An API that answers every request by 500 raises no alarm: for Lambda such calls are no errors."
  }

  assert {
    condition     = strcontains(aws_cloudwatch_dashboard.overview.dashboard_body, "demo-api answered by 500 or 503")
    error_message = "The dashboard does not show requests that failed."
  }
}

run "shows_the_platform_at_a_glance" {
  command = plan

  assert {
    condition = length(setsubtract(
      ["Photos a minute", "Seconds to score a call's photos", "Cold starts", "Failures", "Oldest waiting work, seconds", "Heatmap workers", "Volume, bytes read and written"],
      jsondecode(aws_cloudwatch_dashboard.overview.dashboard_body).widgets[*].properties.title,
    )) == 0
    error_message = "The dashboard lacks a graph."
  }

  assert {
    condition     = alltrue([for widget in jsondecode(aws_cloudwatch_dashboard.overview.dashboard_body).widgets : widget.properties.region == "eu-west-1" && widget.x + widget.width <= 24])
    error_message = "A graph shows another region or lies outside the page."
  }
}

run "shows_no_workers_where_there_are_none" {
  command = plan

  variables {
    worker_fleet_name = null
  }

  assert {
    condition     = !contains(jsondecode(aws_cloudwatch_dashboard.overview.dashboard_body).widgets[*].properties.title, "Heatmap workers")
    error_message = "There is an empty graph."
  }
}

run "warns_of_the_bill" {
  command = plan

  variables {
    budget = { monthly_usd = 200, emails = ["team@example.org"] }
  }

  assert {
    condition     = one(aws_budgets_budget.monthly[0].cost_filter).values == tolist(["user:deployment$demo"])
    error_message = "The budget counts more or less than this deployment."
  }

  assert {
    condition     = length(aws_budgets_budget.monthly[0].notification) == 2
    error_message = "Nobody is told of the bill in time."
  }
}

run "reject_functions" {
  command = plan

  variables {
    functions = { score = "demo-score" }
  }

  expect_failures = [var.functions]
}

run "reject_alarm_emails" {
  command = plan

  variables {
    alarm_emails = ["team"]
  }

  expect_failures = [var.alarm_emails]
}

run "reject_budget" {
  command = plan

  variables {
    budget = { monthly_usd = 0, emails = ["team@example.org"] }
  }

  expect_failures = [var.budget]
}

run "reject_longest_wait_minutes" {
  command = plan

  variables {
    longest_wait_minutes = 0
  }

  expect_failures = [var.longest_wait_minutes]
}
