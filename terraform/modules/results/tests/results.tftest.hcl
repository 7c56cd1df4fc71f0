mock_provider "aws" {
  source          = "../../tests/mocks"
  override_during = plan
}

variables {
  prefix                 = "demo"
  heatmaps_bucket_name   = "demo-111122223333-eu-west-1-heatmaps"
  heatmap_retention_days = 90
  kms_key_arn            = "arn:aws:kms:eu-west-1:111122223333:key/00000000-0000-0000-0000-000000000000"
}

run "keeps_records_safe" {
  command = plan

  assert {
    condition     = one(aws_dynamodb_table.results.server_side_encryption).kms_key_arn == var.kms_key_arn
    error_message = "Records are not encrypted with the given key."
  }

  assert {
    condition     = one(aws_dynamodb_table.results.point_in_time_recovery).enabled && aws_dynamodb_table.results.deletion_protection_enabled
    error_message = "Records can be lost by accident."
  }

  assert {
    condition     = one(aws_dynamodb_table.results.ttl).attribute_name == "expires_at" && one(aws_dynamodb_table.results.ttl).enabled
    error_message = "Records do not expire."
  }
}

run "has_the_keys_that_the_functions_write" {
  command = plan

  assert {
    condition     = aws_dynamodb_table.results.hash_key == "pk" && aws_dynamodb_table.results.range_key == "sk"
    error_message = "The table's key is not (pk, sk)."
  }

  assert {
    condition     = [for index in aws_dynamodb_table.results.global_secondary_index : [index.name, index.hash_key, index.range_key, index.projection_type]] == [["by_tenant", "tenant", "created_at", "ALL"]]
    error_message = "Batches cannot be listed by tenant."
  }

  assert {
    condition     = output.table.index_arn == "arn:aws:dynamodb:eu-west-1:111122223333:table/results/index/by_tenant"
    error_message = "The index's ARN is wrong."
  }
}

run "shows_heatmaps_to_the_page" {
  command = plan

  variables {
    allowed_origins = ["https://example.org"]
  }

  assert {
    condition     = one(aws_s3_bucket_cors_configuration.heatmaps[0].cors_rule).allowed_methods == toset(["GET", "HEAD"])
    error_message = "The page may do more than read heatmaps."
  }
}

run "can_be_destroyed_when_told" {
  command = plan

  variables {
    allow_destroy_of_data = true
  }

  assert {
    condition     = !aws_dynamodb_table.results.deletion_protection_enabled
    error_message = "allow_destroy_of_data does not let the table go."
  }
}

run "reject_heatmap_retention_days" {
  command = plan

  variables {
    heatmap_retention_days = 0
  }

  expect_failures = [var.heatmap_retention_days]
}

run "reject_allowed_origins" {
  command = plan

  variables {
    allowed_origins = ["*"]
  }

  expect_failures = [var.allowed_origins]
}
