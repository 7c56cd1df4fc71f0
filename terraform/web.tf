# The page, its API and its users: there once the API is packaged.

locals {
  page_origins = local.has_api ? module.web_app[0].origins : []

  # The repository's own page, where this code lies in the repository.
  own_page       = "${path.root}/../web"
  page_directory = var.page.directory != null ? var.page.directory : fileexists("${local.own_page}/index.html") ? local.own_page : null
}

module "web_app" {
  source = "./modules/web_app"
  count  = local.has_api ? 1 : 0

  prefix                = var.prefix
  api                   = module.api[0].alias
  throttle              = { rate = var.api.requests_per_second, burst = var.api.burst }
  domain                = var.page.domain
  has_heatmap_workers   = local.has_workers
  storage_hosts         = [module.image_intake.bucket.regional_domain_name, module.results.heatmaps_bucket.regional_domain_name]
  kms_key_arn           = aws_kms_key.data.arn
  log_retention_days    = var.retention_days.logs
  allow_destroy_of_data = var.allow_destroy_of_data
  require_tls           = local.require_tls
  emulator_url          = var.emulator.endpoint_url

  page = {
    directory          = local.page_directory
    bucket_name        = local.bucket_name["page"]
    additional_origins = var.page.additional_origins
  }
}

module "api" {
  source = "./modules/lambda_function"
  count  = local.has_api ? 1 : 0

  name               = "${var.prefix}-api"
  description        = "Batches, results and heatmaps over HTTP"
  handler            = "functions.api.handler.handle"
  package            = local.packages["api"]
  architecture       = var.architecture
  memory_mib         = var.api.memory_mib
  timeout_seconds    = var.api.timeout_seconds
  concurrency        = { provisioned = var.api.provisioned_concurrency }
  policy_json        = data.aws_iam_policy_document.api.json
  network            = local.inside
  file_system        = merge(module.model_volume.reader, { mount_path = local.mount_path })
  kms_key_arn        = aws_kms_key.data.arn
  log_retention_days = var.retention_days.logs
  alarm_topic_arn    = module.observability.alarm_topic_arn

  environment = merge(
    local.environment,
    {
      MEMORABILITY_DEFAULT_ALIAS         = "live"
      MEMORABILITY_HEATMAPS_BUCKET       = module.results.heatmaps_bucket.name
      MEMORABILITY_MAX_IMAGE_BYTES       = tostring(var.image_limits.max_bytes)
      MEMORABILITY_RECORD_RETENTION_DAYS = tostring(var.retention_days.records)
      MEMORABILITY_UPLOAD_RETENTION_DAYS = tostring(var.retention_days.uploads)
      MEMORABILITY_UPLOADS_BUCKET        = module.image_intake.bucket.name
      POWERTOOLS_SERVICE_NAME            = "${var.prefix}-api"
    },
    { for workers in module.heatmap_workers : "MEMORABILITY_JOBS_QUEUE_URL" => workers.jobs_queue.url },
  )
}

data "aws_iam_policy_document" "api" {
  source_policy_documents = [data.aws_iam_policy_document.use_key.json]

  # A presigned link can do what its signer may.
  statement {
    sid       = "SignUploadsAndDownloads"
    actions   = ["s3:GetObject", "s3:PutObject"]
    resources = ["${module.image_intake.bucket.arn}/uploads/*"]
  }

  statement {
    sid       = "SignPictures"
    actions   = ["s3:GetObject"]
    resources = local.pictures
  }

  statement {
    sid       = "FindObjectsOfABatch"
    actions   = ["s3:ListBucket", "s3:ListBucketVersions"]
    resources = [module.image_intake.bucket.arn, module.results.heatmaps_bucket.arn]
  }

  statement {
    sid       = "DeleteBatches"
    actions   = ["s3:DeleteObject", "s3:DeleteObjectVersion"]
    resources = concat(["${module.image_intake.bucket.arn}/uploads/*"], local.pictures)
  }

  statement {
    sid = "KeepBatches"
    actions = [
      "dynamodb:BatchWriteItem", "dynamodb:DeleteItem", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query",
    ]
    resources = [module.results.table.arn]

    condition {
      test     = "ForAllValues:StringLike"
      variable = "dynamodb:LeadingKeys"
      values   = ["TENANT#*"]
    }
  }

  statement {
    sid       = "ListBatches"
    actions   = ["dynamodb:Query"]
    resources = [module.results.table.index_arn]
  }

  dynamic "statement" {
    for_each = module.heatmap_workers

    content {
      sid       = "AskForHeatmaps"
      actions   = concat(["sqs:SendMessage"], var.emulator.batch_rights ? ["sqs:SendMessageBatch"] : [])
      resources = [statement.value.jobs_queue.arn]
    }
  }
}
