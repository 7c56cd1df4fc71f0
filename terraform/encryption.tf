# One key for everything that holds customers' photos, results or alarms. Switching it off makes all of it unreadable.
resource "aws_kms_key" "data" {
  description             = "Data of ${var.prefix}"
  enable_key_rotation     = true
  deletion_window_in_days = var.allow_destroy_of_data ? 7 : 30
  policy                  = data.aws_iam_policy_document.key.json
}

resource "aws_kms_alias" "data" {
  name          = "alias/${var.prefix}"
  target_key_id = aws_kms_key.data.id
}

data "aws_partition" "current" {}

# In a key's policy "*" is the key itself.
data "aws_iam_policy_document" "key" {
  #checkov:skip=CKV_AWS_109:The first statement hands the key to the account's IAM, as AWS's own default policy does.
  #checkov:skip=CKV_AWS_111:In a key's policy "*" is the key itself.
  #checkov:skip=CKV_AWS_356:In a key's policy "*" is the key itself.
  statement {
    sid       = "IamDecides"
    actions   = ["kms:*"]
    resources = ["*"]

    principals {
      type        = "AWS"
      identifiers = ["arn:${data.aws_partition.current.partition}:iam::${data.aws_caller_identity.current.account_id}:root"]
    }
  }

  statement {
    sid       = "LogsOfThisDeployment"
    actions   = ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey*", "kms:ReEncrypt*"]
    resources = ["*"]

    principals {
      type        = "Service"
      identifiers = ["logs.${data.aws_region.current.name}.amazonaws.com"]
    }

    condition {
      test     = "ArnLike"
      variable = "kms:EncryptionContext:aws:logs:arn"
      values = [for group in ["/aws/lambda/${var.prefix}-*", "/memorability/${var.prefix}/*"] : join(":", [
        "arn", data.aws_partition.current.partition, "logs", data.aws_region.current.name,
        data.aws_caller_identity.current.account_id, "log-group", group,
      ])]
    }
  }

  statement {
    sid       = "AlarmsToTheTopic"
    actions   = ["kms:Decrypt", "kms:GenerateDataKey*"]
    resources = ["*"]

    principals {
      type        = "Service"
      identifiers = ["cloudwatch.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [data.aws_caller_identity.current.account_id]
    }
  }
}

# Part of every role that reads or writes the deployment's data, and only by way of the services that hold it.
data "aws_iam_policy_document" "use_key" {
  statement {
    sid       = "UseKey"
    actions   = ["kms:Decrypt", "kms:DescribeKey", "kms:Encrypt", "kms:GenerateDataKey", "kms:ReEncryptFrom", "kms:ReEncryptTo"]
    resources = [aws_kms_key.data.arn]

    condition {
      test     = "StringEquals"
      variable = "kms:ViaService"
      values   = [for service in ["dynamodb", "s3"] : "${service}.${data.aws_region.current.name}.amazonaws.com"]
    }
  }
}
