locals {
  queued = var.score_trigger == "queue"
}

module "uploads" {
  source = "../private_bucket"

  name                  = var.bucket_name
  kms_key_arn           = var.kms_key_arn
  expire_after_days     = var.retention_days
  allow_destroy_of_data = var.allow_destroy_of_data
  require_tls           = var.require_tls
}

resource "aws_s3_bucket_cors_configuration" "uploads" {
  count = length(var.allowed_origins) > 0 ? 1 : 0

  bucket = module.uploads.name

  cors_rule {
    allowed_origins = var.allowed_origins
    allowed_methods = ["GET", "HEAD", "POST"]
    allowed_headers = ["*"]
    expose_headers  = ["ETag", "x-amz-version-id"]
    max_age_seconds = 3600
  }
}

resource "aws_s3_bucket_notification" "uploads" {
  bucket = module.uploads.name

  dynamic "queue" {
    for_each = module.score_queue

    content {
      id            = "score"
      queue_arn     = queue.value.arn
      events        = ["s3:ObjectCreated:*"]
      filter_prefix = "uploads/"
    }
  }

  dynamic "lambda_function" {
    for_each = local.queued ? [] : [var.scorer.alias_arn]

    content {
      id                  = "score"
      lambda_function_arn = lambda_function.value
      events              = ["s3:ObjectCreated:*"]
      filter_prefix       = "uploads/"
    }
  }

  depends_on = [aws_lambda_permission.s3_invokes_scorer]
}
