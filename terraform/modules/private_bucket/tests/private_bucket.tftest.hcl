mock_provider "aws" {
  source          = "../../tests/mocks"
  override_during = plan
}

variables {
  name        = "demo-111122223333-eu-west-1-uploads"
  kms_key_arn = "arn:aws:kms:eu-west-1:111122223333:key/00000000-0000-0000-0000-000000000000"
}

run "is_private_and_encrypted" {
  command = plan

  assert {
    condition = alltrue([
      aws_s3_bucket_public_access_block.this.block_public_acls,
      aws_s3_bucket_public_access_block.this.block_public_policy,
      aws_s3_bucket_public_access_block.this.ignore_public_acls,
      aws_s3_bucket_public_access_block.this.restrict_public_buckets,
    ])
    error_message = "The bucket can be made public."
  }

  assert {
    condition     = one(one(aws_s3_bucket_server_side_encryption_configuration.this.rule).apply_server_side_encryption_by_default).kms_master_key_id == var.kms_key_arn
    error_message = "Objects are not encrypted with the given key."
  }

  assert {
    condition     = one(aws_s3_bucket_versioning.this.versioning_configuration).status == "Enabled"
    error_message = "Versions are not kept."
  }

  assert {
    condition     = one(data.aws_iam_policy_document.this.statement).effect == "Deny" && one(one(data.aws_iam_policy_document.this.statement).condition).variable == "aws:SecureTransport"
    error_message = "Requests without TLS are not refused."
  }

  assert {
    condition     = !aws_s3_bucket.this.force_destroy
    error_message = "A destroy would delete what is in the bucket."
  }
}

run "keeps_objects_unless_told" {
  command = plan

  assert {
    condition     = length(aws_s3_bucket_lifecycle_configuration.this.rule[0].expiration) == 0
    error_message = "Objects expire although expire_after_days is null."
  }
}

run "expires_objects" {
  command = plan

  variables {
    expire_after_days = 90
  }

  assert {
    condition     = one(aws_s3_bucket_lifecycle_configuration.this.rule[0].expiration).days == 90
    error_message = "Objects do not expire after expire_after_days."
  }
}

run "uses_s3_key_for_public_files" {
  command = plan

  variables {
    kms_key_arn = null
  }

  assert {
    condition     = one(one(aws_s3_bucket_server_side_encryption_configuration.this.rule).apply_server_side_encryption_by_default).sse_algorithm == "AES256"
    error_message = "Without a key S3's own encryption must be on."
  }
}

run "has_no_empty_policy_on_plain_http" {
  command = plan

  variables {
    require_tls = false
  }

  assert {
    condition     = length(aws_s3_bucket_policy.this) == 0
    error_message = "S3 would refuse a policy without statements."
  }
}

run "reject_name" {
  command = plan

  variables {
    name = "Not_A_Bucket"
  }

  expect_failures = [var.name]
}

run "reject_expire_after_days" {
  command = plan

  variables {
    expire_after_days = 0
  }

  expect_failures = [var.expire_after_days]
}

run "reject_noncurrent_days" {
  command = plan

  variables {
    noncurrent_days = 0
  }

  expect_failures = [var.noncurrent_days]
}
