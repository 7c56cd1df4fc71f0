# Plans the whole platform with everything switched on, every value told apart from its neighbours. The suite in
# /tests/terraform reads this plan as JSON and follows the wires that emulators drop.

mock_provider "aws" {
  source          = "./tests/mocks"
  override_during = plan
}

override_resource {
  target          = module.network[0].aws_security_group.aws_clients
  override_during = plan
  values = {
    id = "sg-calls-aws"
  }
}

override_resource {
  target          = module.model_volume.aws_security_group.clients
  override_during = plan
  values = {
    id = "sg-mounts-the-volume"
  }
}

override_resource {
  target          = module.model_volume.aws_efs_access_point.reader
  override_during = plan
  values = {
    id  = "fsap-0000000000000read"
    arn = "arn:aws:elasticfilesystem:eu-west-1:111122223333:access-point/fsap-0000000000000read"
  }
}

override_resource {
  target          = module.model_volume.aws_efs_access_point.publisher
  override_during = plan
  values = {
    id  = "fsap-000000000000write"
    arn = "arn:aws:elasticfilesystem:eu-west-1:111122223333:access-point/fsap-000000000000write"
  }
}

override_resource {
  target          = module.model_volume.module.artefacts.aws_s3_bucket.this
  override_during = plan
  values = {
    arn = "arn:aws:s3:::artefacts"
  }
}

override_resource {
  target          = module.image_intake.module.uploads.aws_s3_bucket.this
  override_during = plan
  values = {
    arn                         = "arn:aws:s3:::uploads"
    bucket_regional_domain_name = "uploads.s3.eu-west-1.amazonaws.com"
  }
}

override_resource {
  target          = module.results.module.heatmaps.aws_s3_bucket.this
  override_during = plan
  values = {
    arn                         = "arn:aws:s3:::heatmaps"
    bucket_regional_domain_name = "heatmaps.s3.eu-west-1.amazonaws.com"
  }
}

override_resource {
  target          = module.image_intake.module.score_queue[0].aws_sqs_queue.this
  override_during = plan
  values = {
    arn = "arn:aws:sqs:eu-west-1:111122223333:score"
    url = "https://sqs.eu-west-1.amazonaws.com/111122223333/score"
  }
}

override_resource {
  target          = module.image_intake.module.score_failures.aws_sqs_queue.this
  override_during = plan
  values = {
    arn = "arn:aws:sqs:eu-west-1:111122223333:score-failures"
    url = "https://sqs.eu-west-1.amazonaws.com/111122223333/score-failures"
  }
}

override_resource {
  target          = module.model_volume.module.publish_failures.aws_sqs_queue.this
  override_during = plan
  values = {
    arn = "arn:aws:sqs:eu-west-1:111122223333:publish-failures"
    url = "https://sqs.eu-west-1.amazonaws.com/111122223333/publish-failures"
  }
}

override_resource {
  target          = module.heatmap_workers[0].module.jobs.aws_sqs_queue.this
  override_during = plan
  values = {
    arn = "arn:aws:sqs:eu-west-1:111122223333:jobs"
    url = "https://sqs.eu-west-1.amazonaws.com/111122223333/jobs"
  }
}

override_resource {
  target          = module.heatmap_workers[0].module.job_failures.aws_sqs_queue.this
  override_during = plan
  values = {
    arn = "arn:aws:sqs:eu-west-1:111122223333:job-failures"
    url = "https://sqs.eu-west-1.amazonaws.com/111122223333/job-failures"
  }
}

override_resource {
  target          = module.score.aws_lambda_alias.live
  override_during = plan
  values = {
    arn = "arn:aws:lambda:eu-west-1:111122223333:function:demo-score:live"
  }
}

override_resource {
  target          = module.publish.aws_lambda_alias.live
  override_during = plan
  values = {
    arn = "arn:aws:lambda:eu-west-1:111122223333:function:demo-publish:live"
  }
}

variables {
  prefix                = "demo"
  lambda_packages_file  = "./tests/fixtures/functions_and_api/manifest.json"
  allow_destroy_of_data = false
}

run "everything_through_the_queue" {
  command = plan
}

run "everything_directly" {
  command = plan

  variables {
    score_trigger = "direct"
  }
}

run "another_deployment_in_the_account" {
  command = plan

  variables {
    prefix          = "other"
    heatmap_workers = { instance_types = ["c7i.2xlarge"] }
  }
}

run "without_workers" {
  command = plan

  variables {
    heatmap_workers = null
  }
}

run "on_an_emulator" {
  command = plan

  variables {
    emulator = {
      plain_http       = true
      path_style_s3    = true
      endpoint_url     = "http://127.0.0.1:4566"
      store_directory  = "/srv/store"
      no_fleet_metrics = true
      batch_rights     = true
      no_prefix_lists  = true
    }
  }
}
