mock_provider "aws" {
  source          = "../../tests/mocks"
  override_during = plan
}

variables {
  prefix    = "demo"
  image_tag = "1.0"
}

run "reads_inputs_and_writes_results_alone" {
  command = plan

  assert {
    condition = alltrue([
      for statement in data.aws_iam_policy_document.job.statement :
      length(setsubtract(statement.actions, ["s3:GetObject"])) == 0 if statement.sid == "ReadInputs"
    ])
    error_message = "Jobs may do more with their inputs than read them."
  }

  assert {
    condition = alltrue([
      for statement in data.aws_iam_policy_document.job.statement :
      !contains(statement.actions, "s3:DeleteObject") && !contains(statement.actions, "s3:*")
    ])
    error_message = "Jobs may delete objects."
  }

  assert {
    condition = toset([
      for statement in data.aws_iam_policy_document.job.statement : statement.sid if contains(statement.resources, "*")
    ]) == toset(["EnterRegistry", "WriteMetrics"])
    error_message = "A statement that could name its resources does not."
  }
}

run "is_for_sagemaker_of_this_account" {
  command = plan

  assert {
    condition = (
      one(one(data.aws_iam_policy_document.trust.statement).principals).identifiers == toset(["sagemaker.amazonaws.com"])
      && one(one(data.aws_iam_policy_document.trust.statement).condition).values == tolist(["111122223333"])
    )
    error_message = "Others than SageMaker of this account can take the role."
  }
}

run "asks_for_a_job_that_survives_its_machine" {
  command = plan

  assert {
    condition     = output.job.EnableManagedSpotTraining && output.job.EnableNetworkIsolation
    error_message = "The job is not on spot capacity, or its code has a network."
  }

  assert {
    condition     = [for channel in output.job.InputDataConfig : channel.ChannelName] == ["store", "training"]
    error_message = "The channels are not those that the entry point reads."
  }

  assert {
    condition     = output.job.StoppingCondition.MaxWaitTimeInSeconds >= output.job.StoppingCondition.MaxRuntimeInSeconds
    error_message = "SageMaker refuses a job that may run for longer than it may wait."
  }

  assert {
    condition     = endswith(output.job.AlgorithmSpecification.TrainingImage, ":1.0")
    error_message = "The job does not run the image that was asked for."
  }
}

run "encrypts_and_expires" {
  command = plan

  assert {
    condition     = aws_kms_key.training.enable_key_rotation && one(aws_ecr_repository.training.encryption_configuration).encryption_type == "KMS"
    error_message = "Images are not encrypted with a key that rotates."
  }

  assert {
    condition     = aws_ecr_repository.training.image_tag_mutability == "IMMUTABLE"
    error_message = "A tag can be moved to another image."
  }
}

run "reject_prefix" {
  command = plan

  variables {
    prefix = "Not a prefix"
  }

  expect_failures = [var.prefix]
}

run "reject_image_tag" {
  command = plan

  variables {
    image_tag = "latest"
  }

  expect_failures = [var.image_tag]
}

run "reject_job_of_another_service" {
  command = plan

  variables {
    job = { instance_type = "g5.xlarge" }
  }

  expect_failures = [var.job]
}

run "reject_job_without_end" {
  command = plan

  variables {
    job = { max_hours = 1000 }
  }

  expect_failures = [var.job]
}

run "reject_keep_days" {
  command = plan

  variables {
    keep_days = 0
  }

  expect_failures = [var.keep_days]
}
