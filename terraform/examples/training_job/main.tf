data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}
data "aws_region" "current" {}

locals {
  account_id = data.aws_caller_identity.current.account_id
  region     = data.aws_region.current.name
  partition  = data.aws_partition.current.partition

  bucket_name = { for purpose in ["training", "trained"] :
    purpose => join("-", [var.prefix, local.account_id, local.region, purpose])
  }
}

# One key for photos, results and images.
resource "aws_kms_key" "training" {
  description             = "Training data and results of ${var.prefix}"
  enable_key_rotation     = true
  deletion_window_in_days = var.allow_destroy_of_data ? 7 : 30
  policy                  = data.aws_iam_policy_document.key.json
}

# In a key's policy "*" is the key itself.
data "aws_iam_policy_document" "key" {
  #checkov:skip=CKV_AWS_109:The statement hands the key to the account's IAM, as AWS's own default policy does.
  #checkov:skip=CKV_AWS_111:In a key's policy "*" is the key itself.
  #checkov:skip=CKV_AWS_356:In a key's policy "*" is the key itself.
  statement {
    sid       = "IamDecides"
    actions   = ["kms:*"]
    resources = ["*"]

    principals {
      type        = "AWS"
      identifiers = ["arn:${local.partition}:iam::${local.account_id}:root"]
    }
  }
}

# Photos with their scores, and the model store with the networks to begin with. Jobs only read it.
module "inputs" {
  source = "../../modules/private_bucket"

  name                  = local.bucket_name.training
  kms_key_arn           = aws_kms_key.training.arn
  allow_destroy_of_data = var.allow_destroy_of_data
}

# What jobs leave: model.tar.gz, output.tar.gz, and the checkpoints of those that are running.
module "results" {
  source = "../../modules/private_bucket"

  name                  = local.bucket_name.trained
  kms_key_arn           = aws_kms_key.training.arn
  expire_after_days     = var.keep_days
  allow_destroy_of_data = var.allow_destroy_of_data
}

resource "aws_ecr_repository" "training" {
  name                 = "${var.prefix}-training"
  image_tag_mutability = "IMMUTABLE"
  force_delete         = var.allow_destroy_of_data

  image_scanning_configuration {
    scan_on_push = true
  }

  encryption_configuration {
    encryption_type = "KMS"
    kms_key         = aws_kms_key.training.arn
  }
}
