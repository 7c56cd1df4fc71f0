mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan
}

variables {
  prefix               = "demo"
  lambda_packages_file = "./tests/fixtures/functions/manifest.json"
}

run "scores_before_there_is_an_api" {
  command = plan

  assert {
    condition     = length(module.api) == 0 && length(module.web_app) == 0 && output.deployment.api_url == null
    error_message = "An API is deployed that is not packaged."
  }

  assert {
    condition     = output.functions == { score = "demo-score", publish = "demo-publish" }
    error_message = "The packaged functions are not deployed."
  }

  assert {
    condition     = output.score_queue != null
    error_message = "Uploads do not go through the queue by default."
  }

  assert {
    condition     = output.deployment.uploads_bucket == "demo-111122223333-eu-west-1-uploads"
    error_message = "Bucket names are not derived from prefix, account and region."
  }
}

run "takes_words_that_cognito_keeps_where_nobody_signs_in" {
  command = plan

  variables {
    prefix = "our-aws-photos"
  }

  assert {
    condition     = output.functions.score == "our-aws-photos-score"
    error_message = "A deployment without page and users cannot have such a prefix."
  }
}

run "has_page_and_api_once_packaged" {
  command = plan

  variables {
    lambda_packages_file = "./tests/fixtures/functions_and_api/manifest.json"
  }

  assert {
    condition     = output.functions.api == "demo-api" && output.deployment.page_url == "https://d111.cloudfront.net"
    error_message = "The packaged API or its page is not deployed."
  }
}

run "works_without_gpus" {
  command = plan

  variables {
    heatmap_workers = null
  }

  assert {
    condition     = length(module.heatmap_workers) == 0 && output.deployment.jobs_queue_url == null
    error_message = "heatmap_workers = null leaves workers or their queue."
  }
}

run "calls_the_scorer_directly_when_asked" {
  command = plan

  variables {
    score_trigger = "direct"
  }

  assert {
    condition     = output.score_queue == null
    error_message = "There is a queue although nothing uses it."
  }
}

run "uses_a_network_of_the_team" {
  command = plan

  variables {
    existing_network = {
      vpc_id             = "vpc-0123456789abcdef0"
      subnet_ids         = ["subnet-1", "subnet-2"]
      security_group_ids = ["sg-1"]
    }
  }

  assert {
    condition     = length(module.network) == 0
    error_message = "A VPC is made although the team brings its own."
  }
}

run "reject_prefix" {
  command = plan

  variables {
    prefix = "Demo_1"
  }

  expect_failures = [var.prefix]
}

run "reject_tags" {
  command = plan

  variables {
    tags = { deployment = "other" }
  }

  expect_failures = [var.tags]
}

run "reject_lambda_packages_file_that_is_missing" {
  command = plan

  variables {
    lambda_packages_file = "./tests/fixtures/none.json"
  }

  expect_failures = [var.lambda_packages_file]
}

run "reject_lambda_packages_file_that_is_incomplete" {
  command = plan

  variables {
    lambda_packages_file = "./tests/fixtures/incomplete.json"
  }

  expect_failures = [var.lambda_packages_file]
}

run "reject_architecture" {
  command = plan

  variables {
    architecture = "amd64"
  }

  expect_failures = [var.architecture]
}

run "reject_existing_network" {
  command = plan

  variables {
    existing_network = { vpc_id = "vpc-1", subnet_ids = ["subnet-1"], security_group_ids = ["sg-1"] }
  }

  expect_failures = [var.existing_network]
}

run "reject_score_trigger" {
  command = plan

  variables {
    score_trigger = "both"
  }

  expect_failures = [var.score_trigger]
}

run "reject_score_reserved_concurrency" {
  command = plan

  variables {
    score = { reserved_concurrency = 5, max_concurrency = 10 }
  }

  expect_failures = [var.score]
}

run "reject_publish_keep_versions" {
  command = plan

  variables {
    publish = { keep_versions = 1 }
  }

  expect_failures = [var.publish]
}

run "reject_api_timeout_seconds" {
  command = plan

  variables {
    api = { timeout_seconds = 30 }
  }

  expect_failures = [var.api]
}

run "reject_image_limits" {
  command = plan

  variables {
    image_limits = { max_bytes = 0 }
  }

  expect_failures = [var.image_limits]
}

run "reject_retention_days" {
  command = plan

  variables {
    retention_days = { uploads = 0 }
  }

  expect_failures = [var.retention_days]
}

run "reject_retention_days_of_logs" {
  command = plan

  variables {
    retention_days = { logs = 31 }
  }

  expect_failures = [var.retention_days]
}

run "reject_log_level" {
  command = plan

  variables {
    log_level = "TRACE"
  }

  expect_failures = [var.log_level]
}
