module "heatmap_workers" {
  source = "./modules/heatmap_workers"
  count  = local.has_workers ? 1 : 0

  prefix             = var.prefix
  fleet              = var.heatmap_workers
  jobs               = var.heatmap_workers
  runtime_digest     = try(local.manifest.worker_runtime.digest, null)
  policy_json        = data.aws_iam_policy_document.workers.json
  network            = local.inside
  file_system        = merge(module.model_volume.reader, { mount_path = local.mount_path })
  kms_key_arn        = aws_kms_key.data.arn
  log_retention_days = var.retention_days.logs
  tags               = local.tags
  require_tls        = local.require_tls
  fleet_metrics      = !var.emulator.no_fleet_metrics

  environment = {
    MEMORABILITY_HEATMAPS_BUCKET        = module.results.heatmaps_bucket.name
    MEMORABILITY_HEATMAP_RETENTION_DAYS = tostring(var.retention_days.heatmaps)
    MEMORABILITY_MAX_IMAGE_BYTES        = tostring(var.image_limits.max_bytes)
    MEMORABILITY_MAX_IMAGE_PIXELS       = tostring(var.image_limits.max_pixels)
    MEMORABILITY_RESULTS_TABLE          = module.results.table.name
    MEMORABILITY_UPLOADS_BUCKET         = module.image_intake.bucket.name
    POWERTOOLS_LOG_LEVEL                = var.log_level
    POWERTOOLS_METRICS_NAMESPACE        = local.metric_namespace
    TF_CPP_MIN_LOG_LEVEL                = "3"
  }
}

data "aws_iam_policy_document" "workers" {
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
    sid       = "WriteHeatmaps"
    actions   = ["s3:PutObject"]
    resources = ["${module.results.heatmaps_bucket.arn}/heatmaps/*"]
  }

  statement {
    sid       = "RecordHeatmaps"
    actions   = ["dynamodb:GetItem", "dynamodb:PutItem"]
    resources = [module.results.table.arn]

    condition {
      test     = "ForAllValues:StringLike"
      variable = "dynamodb:LeadingKeys"
      values   = ["TENANT#*"]
    }
  }
}
