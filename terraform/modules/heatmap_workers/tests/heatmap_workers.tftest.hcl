mock_provider "aws" {
  source          = "../../tests/mocks"
  override_during = plan
}

variables {
  prefix             = "demo"
  runtime_digest     = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
  environment        = { MEMORABILITY_UPLOADS_BUCKET = "uploads" }
  policy_json        = "{\"Version\":\"2012-10-17\",\"Statement\":[]}"
  network            = { subnet_ids = ["subnet-1", "subnet-2"], security_group_ids = ["sg-1"] }
  kms_key_arn        = "arn:aws:kms:eu-west-1:111122223333:key/00000000-0000-0000-0000-000000000000"
  log_retention_days = 30
  tags               = { deployment = "demo" }

  file_system = {
    file_system_id   = "fs-0123456789abcdef0"
    file_system_arn  = "arn:aws:elasticfilesystem:eu-west-1:111122223333:file-system/fs-0123456789abcdef0"
    access_point_id  = "fsap-0123456789abcdef0"
    access_point_arn = "arn:aws:elasticfilesystem:eu-west-1:111122223333:access-point/fsap-0123456789abcdef0"
    mount_path       = "/mnt/store"
  }
}

run "starts_from_zero_on_mixed_instances" {
  command = plan

  assert {
    condition     = aws_autoscaling_group.workers.min_size == 0 && aws_autoscaling_group.workers.max_size == 4
    error_message = "The fleet does not go from 0 to max_size."
  }

  assert {
    condition     = [for type in one(one(aws_autoscaling_group.workers.mixed_instances_policy).launch_template).override : type.instance_type] == ["g6.xlarge", "g5.xlarge", "g4dn.xlarge"]
    error_message = "The instance types are not those asked for, in their order."
  }

  assert {
    condition     = one(one(aws_autoscaling_group.workers.mixed_instances_policy).instances_distribution).on_demand_percentage_above_base_capacity == 25
    error_message = "The share of on-demand instances is not what was asked."
  }

  assert {
    condition     = !aws_autoscaling_group.workers.protect_from_scale_in
    error_message = "Idle workers would never go."
  }
}

run "has_a_step_for_every_worker" {
  command = plan

  variables {
    fleet = { max_size = 3, jobs_per_worker = 10 }
  }

  assert {
    condition     = aws_autoscaling_policy.backlog.adjustment_type == "ExactCapacity"
    error_message = "The steps are not capacities."
  }

  assert {
    condition = toset([
      for step in aws_autoscaling_policy.backlog.step_adjustment :
      "${coalesce(step.metric_interval_lower_bound, "-")}..${coalesce(step.metric_interval_upper_bound, "-")}=${step.scaling_adjustment}"
    ]) == toset(["-..0=0", "0..10=1", "10..20=2", "20..-=3"])
    error_message = "Jobs divided by jobs_per_worker, rounded up, is not the number of workers."
  }

  assert {
    condition     = alltrue([for alarm in aws_cloudwatch_metric_alarm.backlog : alarm.threshold == 1 && contains(alarm.alarm_actions, aws_autoscaling_policy.backlog.arn)])
    error_message = "The alarms do not drive the policy from the job on that its steps count from."
  }
}

run "never_goes_below_min_size" {
  command = plan

  variables {
    fleet = { min_size = 2, max_size = 2, jobs_per_worker = 10 }
  }

  assert {
    condition     = toset([for step in aws_autoscaling_policy.backlog.step_adjustment : step.scaling_adjustment]) == toset([2])
    error_message = "A step goes below min_size."
  }
}

run "starts_nothing_without_a_bundle" {
  command = plan

  variables {
    runtime_digest = null
    fleet          = { min_size = 1, max_size = 4 }
  }

  assert {
    condition     = aws_autoscaling_group.workers.min_size == 0 && aws_autoscaling_group.workers.max_size == 0
    error_message = "Instances start with nothing to run."
  }
}

run "instances_are_closed" {
  command = plan

  assert {
    condition     = one(aws_launch_template.worker.metadata_options).http_tokens == "required" && one(aws_launch_template.worker.metadata_options).http_put_response_hop_limit == 1
    error_message = "IMDSv2 is not demanded."
  }

  assert {
    condition     = one(aws_launch_template.worker.network_interfaces).associate_public_ip_address == "false"
    error_message = "An instance may get a public address."
  }

  assert {
    condition     = one(one(aws_launch_template.worker.block_device_mappings).ebs).encrypted == "true"
    error_message = "An instance's disk is not encrypted."
  }

  assert {
    condition     = toset(aws_launch_template.worker.tag_specifications[*].resource_type) == toset(["instance", "volume", "network-interface"])
    error_message = "Something that an instance brings along has no tags."
  }
}

run "mounts_the_volume_with_tls_and_iam_for_reading" {
  command = plan

  assert {
    condition     = strcontains(local.boot_files["/etc/systemd/system/mnt-store.mount"], "Options=_netdev,noresvport,ro,tls,iam,accesspoint=fsap-0123456789abcdef0")
    error_message = "The volume is not mounted by TLS and IAM, for reading, through its access point."
  }

  assert {
    condition     = strcontains(local.boot_files["/etc/memorability/worker.env"], "PYTHONPATH=/mnt/store/runtime/${var.runtime_digest}\n")
    error_message = "The worker does not run from the volume's bundle."
  }

  assert {
    condition     = yamldecode(output.user_data).runcmd == [["/usr/local/sbin/start-memorability-worker", "mnt-store.mount"]] && startswith(output.user_data, "#cloud-config\n")
    error_message = "The user data does not start the worker."
  }
}

run "may_only_touch_its_own_queue_volume_and_fleet" {
  command = plan

  assert {
    condition = alltrue([
      for statement in concat(data.aws_iam_policy_document.platform.statement, data.aws_iam_policy_document.own_fleet.statement) :
      !contains(statement.resources, "*")
    ])
    error_message = "There is a wildcard that AWS does not force."
  }

  assert {
    condition     = contains(one(data.aws_iam_policy_document.own_fleet.statement).actions, "autoscaling:SetInstanceProtection")
    error_message = "A busy worker cannot protect itself from scale-in."
  }

  assert {
    condition     = aws_autoscaling_lifecycle_hook.drain.lifecycle_transition == "autoscaling:EC2_INSTANCE_TERMINATING"
    error_message = "A worker gets no time to finish."
  }
}

run "reject_fleet_without_types" {
  command = plan

  variables {
    fleet = { instance_types = [] }
  }

  expect_failures = [var.fleet]
}

run "reject_fleet_min_size" {
  command = plan

  variables {
    fleet = { min_size = 5, max_size = 4 }
  }

  expect_failures = [var.fleet]
}

run "reject_fleet_max_size" {
  command = plan

  variables {
    fleet = { max_size = 20 }
  }

  expect_failures = [var.fleet]
}

run "reject_fleet_jobs_per_worker" {
  command = plan

  variables {
    fleet = { jobs_per_worker = 0 }
  }

  expect_failures = [var.fleet]
}

run "reject_fleet_on_demand_percent" {
  command = plan

  variables {
    fleet = { on_demand_percent = 101 }
  }

  expect_failures = [var.fleet]
}

run "reject_fleet_idle_minutes" {
  command = plan

  variables {
    fleet = { idle_minutes = 0 }
  }

  expect_failures = [var.fleet]
}

run "reject_fleet_drain_seconds" {
  command = plan

  variables {
    fleet = { drain_seconds = 29 }
  }

  expect_failures = [var.fleet]
}

run "reject_runtime_digest" {
  command = plan

  variables {
    runtime_digest = "latest"
  }

  expect_failures = [var.runtime_digest]
}

run "reject_jobs_visibility_timeout" {
  command = plan

  variables {
    jobs = { visibility_timeout_seconds = 10 }
  }

  expect_failures = [var.jobs]
}
