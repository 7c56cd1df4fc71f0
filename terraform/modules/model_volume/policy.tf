# The policy only refuses. What a role may do, the role says; and since a policy exists at all, a client without
# IAM credentials may do nothing (EFS user guide, "Using IAM to control file system data access").
data "aws_iam_policy_document" "store" {
  statement {
    sid       = "DenyWithoutTls"
    effect    = "Deny"
    actions   = ["elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite", "elasticfilesystem:ClientRootAccess"]
    resources = [aws_efs_file_system.store.arn]

    principals {
      type        = "AWS"
      identifiers = ["*"]
    }

    condition {
      test     = "Bool"
      variable = "aws:SecureTransport"
      values   = ["false"]
    }
  }

  statement {
    sid       = "DenyAsRoot"
    effect    = "Deny"
    actions   = ["elasticfilesystem:ClientRootAccess"]
    resources = [aws_efs_file_system.store.arn]

    principals {
      type        = "AWS"
      identifiers = ["*"]
    }
  }

  statement {
    sid       = "DenyPastTheAccessPoints"
    effect    = "Deny"
    actions   = ["elasticfilesystem:ClientMount"]
    resources = [aws_efs_file_system.store.arn]

    principals {
      type        = "AWS"
      identifiers = ["*"]
    }

    condition {
      test     = "ArnNotEquals"
      variable = "elasticfilesystem:AccessPointArn"
      values   = [aws_efs_access_point.reader.arn, aws_efs_access_point.publisher.arn]
    }
  }

  statement {
    sid       = "DenyWritingByReaders"
    effect    = "Deny"
    actions   = ["elasticfilesystem:ClientWrite"]
    resources = [aws_efs_file_system.store.arn]

    principals {
      type        = "AWS"
      identifiers = ["*"]
    }

    condition {
      test     = "ArnNotEquals"
      variable = "elasticfilesystem:AccessPointArn"
      values   = [aws_efs_access_point.publisher.arn]
    }
  }
}

resource "aws_efs_file_system_policy" "store" {
  file_system_id = aws_efs_file_system.store.id
  policy         = data.aws_iam_policy_document.store.json
}
