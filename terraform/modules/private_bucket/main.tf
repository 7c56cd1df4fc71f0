resource "aws_s3_bucket" "this" {
  #checkov:skip=CKV_AWS_18:Access logs go to the account's own trail or log bucket, which no single deployment owns.
  #checkov:skip=CKV_AWS_144:A copy in a second region is a decision about where customers' photos may lie, not a default.
  #checkov:skip=CKV_AWS_145:Every bucket with customers' data gets the deployment's key; the page bucket holds public files.
  #checkov:skip=CKV2_AWS_62:Buckets whose objects start work get their notifications from the module that does the work.
  bucket        = var.name
  force_destroy = var.allow_destroy_of_data
}

resource "aws_s3_bucket_public_access_block" "this" {
  bucket = aws_s3_bucket.this.id

  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "this" {
  bucket = aws_s3_bucket.this.id

  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_versioning" "this" {
  bucket = aws_s3_bucket.this.id

  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "this" {
  bucket = aws_s3_bucket.this.id

  rule {
    bucket_key_enabled = var.kms_key_arn != null

    apply_server_side_encryption_by_default {
      sse_algorithm     = var.kms_key_arn == null ? "AES256" : "aws:kms"
      kms_master_key_id = var.kms_key_arn
    }
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "this" {
  bucket = aws_s3_bucket.this.id

  rule {
    id     = "expire"
    status = "Enabled"

    filter {}

    abort_incomplete_multipart_upload {
      days_after_initiation = 1
    }

    noncurrent_version_expiration {
      noncurrent_days = var.noncurrent_days
    }

    dynamic "expiration" {
      for_each = var.expire_after_days == null ? [] : [var.expire_after_days]

      content {
        days = expiration.value
      }
    }
  }

  # S3 refuses this beside `days` in one rule. Without it the markers of deleted photos stay for ever.
  rule {
    id     = "remove-delete-markers"
    status = "Enabled"

    filter {}

    expiration {
      expired_object_delete_marker = true
    }
  }

  # Until versioning is on, a rule about versions means nothing.
  depends_on = [aws_s3_bucket_versioning.this]
}

data "aws_iam_policy_document" "this" {
  source_policy_documents = var.policy_documents

  dynamic "statement" {
    for_each = var.require_tls ? ["DenyWithoutTls"] : []

    content {
      sid       = statement.value
      effect    = "Deny"
      actions   = ["s3:*"]
      resources = [aws_s3_bucket.this.arn, "${aws_s3_bucket.this.arn}/*"]

      principals {
        type        = "*"
        identifiers = ["*"]
      }

      condition {
        test     = "Bool"
        variable = "aws:SecureTransport"
        values   = ["false"]
      }
    }
  }
}

resource "aws_s3_bucket_policy" "this" {
  # S3 refuses a policy without statements.
  count = var.require_tls || length(var.policy_documents) > 0 ? 1 : 0

  bucket = aws_s3_bucket_public_access_block.this.bucket
  policy = data.aws_iam_policy_document.this.json
}
