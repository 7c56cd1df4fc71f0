data "aws_caller_identity" "current" {}

module "artefacts" {
  source = "../private_bucket"

  name                  = var.artefacts_bucket_name
  kms_key_arn           = var.kms_key_arn
  allow_destroy_of_data = var.allow_destroy_of_data
  require_tls           = var.require_tls
}

# Uploads that could not be published wait here; the publisher's own record says why.
module "publish_failures" {
  source = "../private_queue"

  name           = "${var.prefix}-publish-failures"
  retention_days = 14
  require_tls    = var.require_tls
}

resource "aws_lambda_permission" "s3_invokes_publisher" {
  statement_id   = "artefacts-bucket"
  action         = "lambda:InvokeFunction"
  principal      = "s3.amazonaws.com"
  function_name  = var.publisher.function_name
  qualifier      = var.publisher.alias_name
  source_arn     = module.artefacts.arn
  source_account = data.aws_caller_identity.current.account_id
}

resource "aws_s3_bucket_notification" "artefacts" {
  bucket = module.artefacts.name

  # The manifest is uploaded last: with it the version is complete. Bundles are no matter of events: who uploads one
  # calls the publisher and waits, because nothing works without it.
  lambda_function {
    id                  = "models"
    lambda_function_arn = var.publisher.alias_arn
    events              = ["s3:ObjectCreated:*"]
    filter_prefix       = "models/"
    filter_suffix       = "/manifest.json"
  }

  depends_on = [aws_lambda_permission.s3_invokes_publisher]
}
