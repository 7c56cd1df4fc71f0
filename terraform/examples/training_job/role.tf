resource "aws_iam_role" "job" {
  name               = "${var.prefix}-training"
  description        = "Role of the training jobs of ${var.prefix} and of nothing else"
  assume_role_policy = data.aws_iam_policy_document.trust.json
}

data "aws_iam_policy_document" "trust" {
  statement {
    sid     = "SageMakerOfThisAccount"
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["sagemaker.amazonaws.com"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:SourceAccount"
      values   = [local.account_id]
    }
  }
}

resource "aws_iam_role_policy" "job" {
  name   = "job"
  role   = aws_iam_role.job.id
  policy = data.aws_iam_policy_document.job.json
}

locals {
  log_group_arn = "arn:${local.partition}:logs:${local.region}:${local.account_id}:log-group:/aws/sagemaker/TrainingJobs"
}

# SageMaker itself acts with this role; in an isolated container the code has no credentials at all.
data "aws_iam_policy_document" "job" {
  #checkov:skip=CKV_AWS_111:Metrics know no resource; a condition names their namespace.
  #checkov:skip=CKV_AWS_356:As above, and a token for ECR is for all of it; which images it opens, the next statement says.
  statement {
    sid       = "FindInputs"
    actions   = ["s3:ListBucket"]
    resources = [module.inputs.arn]
  }

  statement {
    sid       = "ReadInputs"
    actions   = ["s3:GetObject"]
    resources = ["${module.inputs.arn}/data/*", "${module.inputs.arn}/store/*"]
  }

  statement {
    sid       = "FindCheckpoints"
    actions   = ["s3:ListBucket"]
    resources = [module.results.arn]

    condition {
      test     = "StringLike"
      variable = "s3:prefix"
      values   = ["checkpoints", "checkpoints/*"]
    }
  }

  statement {
    sid       = "KeepCheckpoints"
    actions   = ["s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"]
    resources = ["${module.results.arn}/checkpoints/*"]
  }

  statement {
    sid       = "WriteResults"
    actions   = ["s3:AbortMultipartUpload", "s3:PutObject"]
    resources = ["${module.results.arn}/jobs/*"]
  }

  statement {
    sid       = "UseKey"
    actions   = ["kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey"]
    resources = [aws_kms_key.training.arn]

    condition {
      test     = "StringEquals"
      variable = "kms:ViaService"
      values   = ["s3.${local.region}.amazonaws.com"]
    }
  }

  # AWS forces the wildcard: the token is for the registry, and opens nothing by itself.
  statement {
    sid       = "EnterRegistry"
    actions   = ["ecr:GetAuthorizationToken"]
    resources = ["*"]
  }

  statement {
    sid       = "PullImage"
    actions   = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
    resources = [aws_ecr_repository.training.arn]
  }

  # All training jobs of an account share one log group, which SageMaker makes with the first of them.
  statement {
    sid       = "OpenLog"
    actions   = ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:DescribeLogStreams"]
    resources = [local.log_group_arn, "${local.log_group_arn}:log-stream:${var.prefix}-*"]
  }

  statement {
    sid       = "WriteLog"
    actions   = ["logs:PutLogEvents"]
    resources = ["${local.log_group_arn}:log-stream:${var.prefix}-*"]
  }

  # AWS forces the wildcard: metrics have no resources to name.
  statement {
    sid       = "WriteMetrics"
    actions   = ["cloudwatch:PutMetricData"]
    resources = ["*"]

    condition {
      test     = "StringEquals"
      variable = "cloudwatch:namespace"
      values   = ["/aws/sagemaker/TrainingJobs"]
    }
  }
}
