mock_provider "aws" {
  source          = "../../tests/mocks"
  override_during = plan
}

variables {
  name               = "demo-score"
  description        = "Scores uploaded photos"
  handler            = "functions.score.handler.handle"
  package            = { path = "score.zip", sha256_base64 = "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=" }
  architecture       = "x86_64"
  memory_mib         = 3008
  timeout_seconds    = 60
  environment        = { MEMORABILITY_STORE = "/mnt/store" }
  policy_json        = "{\"Version\":\"2012-10-17\",\"Statement\":[]}"
  network            = { subnet_ids = ["subnet-1", "subnet-2"], security_group_ids = ["sg-1"] }
  kms_key_arn        = "arn:aws:kms:eu-west-1:111122223333:key/00000000-0000-0000-0000-000000000000"
  log_retention_days = 30
  alarm_topic_arn    = "arn:aws:sns:eu-west-1:111122223333:alarms"

  file_system = {
    file_system_arn  = "arn:aws:elasticfilesystem:eu-west-1:111122223333:file-system/fs-0123456789abcdef0"
    access_point_arn = "arn:aws:elasticfilesystem:eu-west-1:111122223333:access-point/fsap-0123456789abcdef0"
    mount_path       = "/mnt/store"
    writable         = false
  }
}

run "runs_the_package_inside_the_network" {
  command = plan

  assert {
    condition     = aws_lambda_function.this.runtime == "python3.13" && aws_lambda_function.this.source_code_hash == var.package.sha256_base64
    error_message = "The function is not the package."
  }

  assert {
    condition     = one(aws_lambda_function.this.vpc_config).subnet_ids == toset(["subnet-1", "subnet-2"])
    error_message = "The function is not in the private subnets."
  }

  assert {
    condition     = one(aws_lambda_function.this.file_system_config).arn == var.file_system.access_point_arn && one(aws_lambda_function.this.file_system_config).local_mount_path == "/mnt/store"
    error_message = "The volume is not mounted."
  }

  assert {
    condition     = aws_lambda_function.this.kms_key_arn == var.kms_key_arn && aws_cloudwatch_log_group.this.kms_key_id == var.kms_key_arn
    error_message = "Environment or log are not encrypted with the given key."
  }

  assert {
    condition     = one(aws_lambda_function.this.tracing_config).mode == "Active"
    error_message = "Calls are not traced."
  }

  assert {
    condition     = aws_lambda_function.this.publish && aws_lambda_alias.live.function_version == aws_lambda_function.this.version
    error_message = "The alias does not follow the package."
  }
}

run "may_only_do_what_it_needs" {
  command = plan

  assert {
    condition = [
      for statement in data.aws_iam_policy_document.platform.statement : statement.actions if statement.sid == "MountVolume"
    ] == [toset(["elasticfilesystem:ClientMount"])]
    error_message = "A reader may write to the volume."
  }

  assert {
    condition = alltrue([
      for statement in data.aws_iam_policy_document.platform.statement :
      contains(["WriteTraces", "JoinNetwork", "DenyNetworkToCode"], statement.sid) || !contains(statement.resources, "*")
    ])
    error_message = "There is a wildcard that AWS does not force."
  }

  assert {
    condition = [
      for statement in data.aws_iam_policy_document.platform.statement : one(statement.condition).values if statement.sid == "DenyNetworkToCode"
    ] == [tolist(["arn:aws:lambda:eu-west-1:111122223333:function:demo-score"])]
    error_message = "The function's code may manage network interfaces."
  }

  assert {
    condition     = !contains(data.aws_iam_policy_document.platform.statement[*].sid, "ReportFailures")
    error_message = "The role may send messages although there is no failure queue."
  }
}

run "writes_when_it_is_the_publisher" {
  command = plan

  variables {
    file_system = {
      file_system_arn  = "arn:aws:elasticfilesystem:eu-west-1:111122223333:file-system/fs-0123456789abcdef0"
      access_point_arn = "arn:aws:elasticfilesystem:eu-west-1:111122223333:access-point/fsap-0123456789abcdef1"
      mount_path       = "/mnt/store"
      writable         = true
    }
  }

  assert {
    condition = [
      for statement in data.aws_iam_policy_document.platform.statement : statement.actions if statement.sid == "MountVolume"
    ] == [toset(["elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite"])]
    error_message = "The publisher may not write to the volume."
  }
}

run "hands_failures_to_the_queue" {
  command = plan

  variables {
    on_failure = { queue_arn = "arn:aws:sqs:eu-west-1:111122223333:failures" }
  }

  assert {
    condition = alltrue([
      for config in aws_lambda_function_event_invoke_config.this :
      one(one(config.destination_config).on_failure).destination == var.on_failure.queue_arn
    ])
    error_message = "Failed events are lost."
  }

  assert {
    condition     = aws_lambda_function_event_invoke_config.this["alias"].qualifier == "live" && aws_lambda_function_event_invoke_config.this["function"].qualifier == null
    error_message = "Failures are caught either for the alias or for the function, not for both."
  }
}

run "keeps_containers_warm_when_asked" {
  command = plan

  variables {
    concurrency = { reserved = 10, provisioned = 2 }
  }

  assert {
    condition     = aws_lambda_provisioned_concurrency_config.live[0].provisioned_concurrent_executions == 2 && aws_lambda_function.this.reserved_concurrent_executions == 10
    error_message = "Concurrency is not what was asked."
  }
}

run "reserves_nothing_by_default" {
  command = plan

  assert {
    condition     = aws_lambda_function.this.reserved_concurrent_executions == -1 && length(aws_lambda_provisioned_concurrency_config.live) == 0
    error_message = "Concurrency is taken from other functions of the account."
  }
}

run "alarms_before_the_timeout" {
  command = plan

  assert {
    condition     = aws_cloudwatch_metric_alarm.slow.threshold == 48000
    error_message = "The alarm is not at 80 % of the time-out, in milliseconds."
  }

  assert {
    condition     = alltrue([for alarm in [aws_cloudwatch_metric_alarm.errors, aws_cloudwatch_metric_alarm.throttles, aws_cloudwatch_metric_alarm.slow] : contains(alarm.alarm_actions, var.alarm_topic_arn)])
    error_message = "An alarm reaches nobody."
  }
}

run "reject_name" {
  command = plan

  variables {
    name = "a function"
  }

  expect_failures = [var.name]
}

run "reject_package_hash" {
  command = plan

  variables {
    package = { path = "score.zip", sha256_base64 = "e3b0c442" }
  }

  expect_failures = [var.package]
}

run "reject_architecture" {
  command = plan

  variables {
    architecture = "amd64"
  }

  expect_failures = [var.architecture]
}

run "reject_memory_mib" {
  command = plan

  variables {
    memory_mib = 64
  }

  expect_failures = [var.memory_mib]
}

run "reject_timeout_seconds" {
  command = plan

  variables {
    timeout_seconds = 901
  }

  expect_failures = [var.timeout_seconds]
}

run "reject_ephemeral_storage_mib" {
  command = plan

  variables {
    ephemeral_storage_mib = 10241
  }

  expect_failures = [var.ephemeral_storage_mib]
}

run "reject_mount_path" {
  command = plan

  variables {
    file_system = {
      file_system_arn  = "arn:aws:elasticfilesystem:eu-west-1:111122223333:file-system/fs-0123456789abcdef0"
      access_point_arn = "arn:aws:elasticfilesystem:eu-west-1:111122223333:access-point/fsap-0123456789abcdef0"
      mount_path       = "/store"
      writable         = false
    }
  }

  expect_failures = [var.file_system]
}

run "reject_reserving_nothing" {
  command = plan

  variables {
    concurrency = { reserved = 0 }
  }

  expect_failures = [var.concurrency]
}

run "reject_more_warm_than_reserved" {
  command = plan

  variables {
    concurrency = { reserved = 2, provisioned = 3 }
  }

  expect_failures = [var.concurrency]
}

run "reject_on_failure_retries" {
  command = plan

  variables {
    on_failure = { queue_arn = "arn:aws:sqs:eu-west-1:111122223333:failures", retries = 3 }
  }

  expect_failures = [var.on_failure]
}

run "reject_on_failure_age" {
  command = plan

  variables {
    on_failure = { queue_arn = "arn:aws:sqs:eu-west-1:111122223333:failures", max_event_age_seconds = 30 }
  }

  expect_failures = [var.on_failure]
}
