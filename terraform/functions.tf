locals {
  mount_path = "/mnt/store"
  store      = coalesce(var.emulator.store_directory, local.mount_path)

  # What is made of photos, in the heatmaps bucket.
  pictures = [for folder in ["heatmaps", "thumbnails"] : "${module.results.heatmaps_bucket.arn}/${folder}/*"]

  environment = {
    MEMORABILITY_RESULTS_TABLE   = module.results.table.name
    MEMORABILITY_STORE           = local.store
    OPENBLAS_NUM_THREADS         = "1" # numpy computes next to nothing here, so no start waits for its threads
    POWERTOOLS_LOG_LEVEL         = var.log_level
    POWERTOOLS_METRICS_NAMESPACE = local.metric_namespace
    PYTHONPATH                   = "${local.store}/runtime/${local.manifest.runtime.digest}"
    TF_CPP_MIN_LOG_LEVEL         = "3" # XLA's own messages: errors only
  }
}

# score: photo in the uploads bucket → record in the table

module "score" {
  source = "./modules/lambda_function"

  name               = "${var.prefix}-score"
  description        = "Scores uploaded photos"
  handler            = "functions.score.handler.handle"
  package            = local.packages["score"]
  architecture       = var.architecture
  memory_mib         = var.score.memory_mib
  timeout_seconds    = var.score.timeout_seconds
  concurrency        = { reserved = var.score.reserved_concurrency, provisioned = var.score.provisioned_concurrency }
  policy_json        = data.aws_iam_policy_document.score.json
  network            = local.inside
  file_system        = merge(module.model_volume.reader, { mount_path = local.mount_path })
  on_failure         = { queue_arn = module.image_intake.failure_queue.arn }
  kms_key_arn        = aws_kms_key.data.arn
  log_retention_days = var.retention_days.logs
  alarm_topic_arn    = module.observability.alarm_topic_arn

  environment = merge(local.environment, {
    MEMORABILITY_DEFAULT_ALIAS          = "live"
    MEMORABILITY_HEATMAPS_BUCKET        = module.results.heatmaps_bucket.name
    MEMORABILITY_HEATMAP_RETENTION_DAYS = tostring(var.retention_days.heatmaps)
    MEMORABILITY_MAX_IMAGE_BYTES        = tostring(var.image_limits.max_bytes)
    MEMORABILITY_MAX_IMAGE_PIXELS       = tostring(var.image_limits.max_pixels)
    MEMORABILITY_RECORD_RETENTION_DAYS  = tostring(var.retention_days.records)
    MEMORABILITY_UPLOADS_BUCKET         = module.image_intake.bucket.name
    POWERTOOLS_SERVICE_NAME             = "${var.prefix}-score"
  })
}

data "aws_iam_policy_document" "score" {
  source_policy_documents = [data.aws_iam_policy_document.use_key.json]

  statement {
    sid       = "ReadPhotos"
    actions   = ["s3:GetObject", "s3:GetObjectVersion"]
    resources = ["${module.image_intake.bucket.arn}/uploads/*"]
  }

  # Without it S3 calls a photo that is gone "forbidden" rather than "not found".
  statement {
    sid       = "SeeThatPhotosAreGone"
    actions   = ["s3:ListBucket"]
    resources = [module.image_intake.bucket.arn]
  }

  statement {
    sid       = "WritePictures"
    actions   = ["s3:PutObject"]
    resources = local.pictures
  }

  statement {
    sid       = "RecordScores"
    actions   = ["dynamodb:GetItem", "dynamodb:PutItem"]
    resources = [module.results.table.arn]

    condition {
      test     = "ForAllValues:StringLike"
      variable = "dynamodb:LeadingKeys"
      values   = ["TENANT#*"]
    }
  }

  dynamic "statement" {
    for_each = var.score_trigger == "queue" ? [module.image_intake.score_queue.arn] : []

    content {
      sid       = "TakePhotosFromQueue"
      actions   = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"]
      resources = [statement.value]
    }
  }
}

# publish: files in the artefacts bucket → version or bundle on the volume

module "publish" {
  source = "./modules/lambda_function"

  name                  = "${var.prefix}-publish"
  description           = "Verifies uploaded models and bundles and puts them on the volume"
  handler               = "functions.publish.handler.handle"
  package               = local.packages["publish"]
  architecture          = var.architecture
  memory_mib            = var.publish.memory_mib
  timeout_seconds       = var.publish.timeout_seconds
  ephemeral_storage_mib = var.publish.ephemeral_storage_mib
  concurrency           = { reserved = var.publish.reserved_concurrency }
  policy_json           = data.aws_iam_policy_document.publish.json
  network               = local.inside
  file_system           = merge(module.model_volume.publisher, { mount_path = local.mount_path })
  on_failure            = { queue_arn = module.model_volume.failure_queue.arn }
  kms_key_arn           = aws_kms_key.data.arn
  log_retention_days    = var.retention_days.logs
  alarm_topic_arn       = module.observability.alarm_topic_arn

  environment = merge(local.environment, {
    MEMORABILITY_ARTEFACTS_BUCKET = module.model_volume.artefacts_bucket.name
    MEMORABILITY_KEEP_VERSIONS    = tostring(var.publish.keep_versions)
    POWERTOOLS_SERVICE_NAME       = "${var.prefix}-publish"
  })
}

data "aws_iam_policy_document" "publish" {
  source_policy_documents = [data.aws_iam_policy_document.use_key.json]

  statement {
    sid       = "ReadArtefacts"
    actions   = ["s3:GetObject", "s3:GetObjectVersion"]
    resources = [for folder in ["models", "runtime"] : "${module.model_volume.artefacts_bucket.arn}/${folder}/*"]
  }

  statement {
    sid       = "ListArtefacts"
    actions   = ["s3:ListBucket"]
    resources = [module.model_volume.artefacts_bucket.arn]
  }

  statement {
    sid       = "RecordPublications"
    actions   = ["dynamodb:GetItem", "dynamodb:PutItem"]
    resources = [module.results.table.arn]

    condition {
      test     = "ForAllValues:StringLike"
      variable = "dynamodb:LeadingKeys"
      values   = ["PUBLICATION#*"]
    }
  }
}
