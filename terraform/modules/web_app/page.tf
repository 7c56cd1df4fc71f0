locals {
  origins = concat([local.page_url], var.page.additional_origins)

  content_types = {
    css         = "text/css; charset=utf-8"
    html        = "text/html; charset=utf-8"
    ico         = "image/x-icon"
    js          = "text/javascript; charset=utf-8"
    json        = "application/json"
    mjs         = "text/javascript; charset=utf-8"
    png         = "image/png"
    svg         = "image/svg+xml"
    txt         = "text/plain; charset=utf-8"
    webmanifest = "application/manifest+json"
    webp        = "image/webp"
    woff2       = "font/woff2"
  }
}

module "page" {
  source = "../private_bucket"

  name                  = var.page.bucket_name
  kms_key_arn           = null # the files are public; CloudFront would need the deployment's key to read them
  allow_destroy_of_data = true # the files come from the repository
  require_tls           = var.require_tls
  policy_documents      = [data.aws_iam_policy_document.cloudfront_reads_page.json]
}

data "aws_iam_policy_document" "cloudfront_reads_page" {
  statement {
    sid       = "CloudFrontReads"
    actions   = ["s3:GetObject"]
    resources = ["${module.page.arn}/*"]

    principals {
      type        = "Service"
      identifiers = ["cloudfront.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceArn"
      values   = [aws_cloudfront_distribution.page.arn]
    }
  }
}

resource "aws_s3_object" "page" {
  for_each = var.page.directory == null ? toset([]) : fileset(var.page.directory, "**")

  bucket        = module.page.name
  key           = each.value
  source        = "${var.page.directory}/${each.value}"
  source_hash   = filemd5("${var.page.directory}/${each.value}")
  content_type  = lookup(local.content_types, reverse(split(".", each.value))[0], "application/octet-stream")
  cache_control = "no-cache" # asked for again each time, answered by 304 while nothing changed
}

# What the page must know of its deployment. None of it is secret.
resource "aws_s3_object" "settings" {
  bucket        = module.page.name
  key           = "settings.json"
  content_type  = "application/json"
  cache_control = "no-cache"

  content = jsonencode({
    api_url     = local.api_url
    client_id   = aws_cognito_user_pool_client.page.id
    heatmaps    = var.has_heatmap_workers
    sign_in_url = local.sign_in_url
  })
}
