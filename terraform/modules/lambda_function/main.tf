locals {
  alias_name = "live"
}

resource "aws_lambda_function" "this" {
  #checkov:skip=CKV_AWS_115:A new account has no concurrency to reserve; concurrency.reserved does it where there is.
  #checkov:skip=CKV_AWS_116:Asynchronous failures go to an on-failure destination, which unlike a dead-letter queue says why.
  #checkov:skip=CKV_AWS_272:The package is fixed by its content hash, which the plan shows and Lambda checks.
  function_name = var.name
  description   = var.description
  role          = aws_iam_role.this.arn

  runtime          = "python3.13"
  architectures    = [var.architecture]
  handler          = var.handler
  filename         = var.package.path
  source_code_hash = var.package.sha256_base64
  publish          = true

  memory_size                    = var.memory_mib
  timeout                        = var.timeout_seconds
  reserved_concurrent_executions = coalesce(var.concurrency.reserved, -1)
  kms_key_arn                    = var.kms_key_arn

  ephemeral_storage {
    size = var.ephemeral_storage_mib
  }

  environment {
    variables = var.environment
  }

  vpc_config {
    subnet_ids         = var.network.subnet_ids
    security_group_ids = var.network.security_group_ids
  }

  file_system_config {
    arn              = var.file_system.access_point_arn
    local_mount_path = var.file_system.mount_path
  }

  tracing_config {
    mode = "Active"
  }

  logging_config {
    log_format = "Text" # the code writes JSON itself; Lambda would wrap it once more
    log_group  = aws_cloudwatch_log_group.this.name
  }

  # Lambda tries the network and the volume with the role while it creates the function.
  depends_on = [aws_iam_role_policy.platform, aws_iam_role_policy.purpose]
}

resource "aws_cloudwatch_log_group" "this" {
  #checkov:skip=CKV_AWS_338:How long logs are kept is the team's to say; log_retention_days has a default of a month.
  name              = "/aws/lambda/${var.name}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
}

# Callers name the alias, never a version: it moves to a new package whole, and back again.
resource "aws_lambda_alias" "live" {
  name             = local.alias_name
  function_name    = aws_lambda_function.this.function_name
  function_version = aws_lambda_function.this.version
}

resource "aws_lambda_provisioned_concurrency_config" "live" {
  count = var.concurrency.provisioned > 0 ? 1 : 0

  function_name                     = aws_lambda_function.this.function_name
  qualifier                         = aws_lambda_alias.live.name
  provisioned_concurrent_executions = var.concurrency.provisioned
}

# For the alias, which AWS calls, and for the function itself, which people call by hand.
resource "aws_lambda_function_event_invoke_config" "this" {
  for_each = var.on_failure == null ? {} : { alias = aws_lambda_alias.live.name, function = null }

  function_name                = aws_lambda_function.this.function_name
  qualifier                    = each.value
  maximum_retry_attempts       = var.on_failure.retries
  maximum_event_age_in_seconds = var.on_failure.max_event_age_seconds

  destination_config {
    on_failure {
      destination = var.on_failure.queue_arn
    }
  }
}
