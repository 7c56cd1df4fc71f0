mock_provider "aws" {
  source          = "../../tests/mocks"
  override_during = plan
}

override_resource {
  target          = aws_efs_access_point.reader
  override_during = plan
  values = {
    arn = "arn:aws:elasticfilesystem:eu-west-1:111122223333:access-point/fsap-00000000000000001"
  }
}

override_resource {
  target          = aws_efs_access_point.publisher
  override_during = plan
  values = {
    arn = "arn:aws:elasticfilesystem:eu-west-1:111122223333:access-point/fsap-00000000000000002"
  }
}

variables {
  prefix                = "demo"
  network               = { vpc_id = "vpc-1", subnet_ids = ["subnet-1", "subnet-2"] }
  artefacts_bucket_name = "demo-111122223333-eu-west-1-artefacts"
  kms_key_arn           = "arn:aws:kms:eu-west-1:111122223333:key/00000000-0000-0000-0000-000000000000"

  publisher = {
    function_name = "demo-publish"
    alias_name    = "live"
    alias_arn     = "arn:aws:lambda:eu-west-1:111122223333:function:demo-publish:live"
  }
}

run "is_encrypted_and_backed_up" {
  command = plan

  assert {
    condition     = aws_efs_file_system.store.encrypted && aws_efs_file_system.store.kms_key_id == var.kms_key_arn
    error_message = "The volume is not encrypted with the given key."
  }

  assert {
    condition     = aws_efs_file_system.store.throughput_mode == "elastic"
    error_message = "A herd of cold starts would starve the volume."
  }

  assert {
    condition     = one(aws_efs_backup_policy.store.backup_policy).status == "ENABLED"
    error_message = "The volume is not backed up."
  }

  assert {
    condition     = length(aws_efs_mount_target.store) == 2
    error_message = "The volume cannot be mounted in every zone."
  }
}

run "lets_only_the_publisher_write" {
  command = plan

  assert {
    condition     = aws_efs_access_point.reader.root_directory == aws_efs_access_point.publisher.root_directory
    error_message = "Reader and publisher do not see the same folder."
  }

  assert {
    condition     = one(one(aws_efs_access_point.reader.root_directory).creation_info).owner_uid == one(aws_efs_access_point.publisher.posix_user).uid
    error_message = "The folder does not belong to the publisher."
  }

  assert {
    condition     = one(aws_efs_access_point.reader.posix_user).uid != one(aws_efs_access_point.publisher.posix_user).uid && one(aws_efs_access_point.reader.posix_user).gid != one(aws_efs_access_point.publisher.posix_user).gid
    error_message = "To the volume, reader and publisher are the same."
  }

  assert {
    condition     = !output.reader.writable && output.publisher.writable && output.reader.access_point_arn != output.publisher.access_point_arn
    error_message = "The outputs do not tell reading from writing."
  }

  assert {
    condition = anytrue([
      for statement in data.aws_iam_policy_document.store.statement :
      statement.effect == "Deny" && contains(statement.actions, "elasticfilesystem:ClientWrite")
      && one(statement.condition).test == "ArnNotEquals" && one(statement.condition).values == tolist([output.publisher.access_point_arn])
      if length(statement.condition) > 0
    ])
    error_message = "The volume's policy does not refuse writing past the publisher's access point."
  }

  assert {
    condition = anytrue([
      for statement in data.aws_iam_policy_document.store.statement :
      statement.effect == "Deny" && one(statement.condition).variable == "aws:SecureTransport"
      if length(statement.condition) > 0
    ])
    error_message = "The volume's policy does not demand TLS."
  }

  assert {
    condition     = alltrue([for statement in data.aws_iam_policy_document.store.statement : statement.effect == "Deny"])
    error_message = "The volume's policy grants something: that is for roles to do."
  }
}

run "calls_the_publisher_for_whole_versions" {
  command = plan

  assert {
    condition = {
      for call in aws_s3_bucket_notification.artefacts.lambda_function : call.id => "${call.filter_prefix}*${coalesce(call.filter_suffix, "-")}"
    } == { models = "models/*/manifest.json" }
    error_message = "The publisher is not called for manifests, or for more than them."
  }

  assert {
    condition     = aws_lambda_permission.s3_invokes_publisher.qualifier == "live" && aws_lambda_permission.s3_invokes_publisher.source_account == "111122223333"
    error_message = "The permission is not bound to the alias and this account."
  }
}

run "can_go_without_backups" {
  command = plan

  variables {
    backups = false
  }

  assert {
    condition     = one(aws_efs_backup_policy.store.backup_policy).status == "DISABLED"
    error_message = "backups = false does not switch backups off."
  }
}

run "reject_network_of_one_zone" {
  command = plan

  variables {
    network = { vpc_id = "vpc-1", subnet_ids = ["subnet-1"] }
  }

  expect_failures = [var.network]
}
