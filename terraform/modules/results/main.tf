# One table: score records beside the record of their batch (pk = TENANT#…#BATCH#…), and what was published
# (pk = PUBLICATION#…). docs/ and functions/ name the items.
resource "aws_dynamodb_table" "results" {
  name                        = "${var.prefix}-results"
  billing_mode                = "PAY_PER_REQUEST"
  hash_key                    = "pk"
  range_key                   = "sk"
  deletion_protection_enabled = !var.allow_destroy_of_data

  attribute {
    name = "pk"
    type = "S"
  }

  attribute {
    name = "sk"
    type = "S"
  }

  attribute {
    name = "tenant"
    type = "S"
  }

  attribute {
    name = "created_at"
    type = "S"
  }

  # Lists a tenant's batches, newest first. Only the batches' own records carry both attributes.
  global_secondary_index {
    name            = "by_tenant"
    hash_key        = "tenant"
    range_key       = "created_at"
    projection_type = "ALL"
  }

  ttl {
    attribute_name = "expires_at"
    enabled        = true
  }

  point_in_time_recovery {
    enabled = true
  }

  server_side_encryption {
    enabled     = true
    kms_key_arn = var.kms_key_arn
  }
}

module "heatmaps" {
  source = "../private_bucket"

  name                  = var.heatmaps_bucket_name
  kms_key_arn           = var.kms_key_arn
  expire_after_days     = var.heatmap_retention_days
  allow_destroy_of_data = var.allow_destroy_of_data
  require_tls           = var.require_tls
}

resource "aws_s3_bucket_cors_configuration" "heatmaps" {
  count = length(var.allowed_origins) > 0 ? 1 : 0

  bucket = module.heatmaps.name

  cors_rule {
    allowed_origins = var.allowed_origins
    allowed_methods = ["GET", "HEAD"]
    allowed_headers = ["*"]
    max_age_seconds = 3600
  }
}
