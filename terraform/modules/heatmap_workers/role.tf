data "aws_region" "current" {}

resource "aws_iam_role" "worker" {
  name               = local.fleet_name
  description        = "Role of the heatmap workers and of nothing else"
  assume_role_policy = data.aws_iam_policy_document.trust.json
}

resource "aws_iam_instance_profile" "worker" {
  name = local.fleet_name
  role = aws_iam_role.worker.name
}

data "aws_iam_policy_document" "trust" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["ec2.amazonaws.com"]
    }
  }
}

data "aws_iam_policy_document" "platform" {
  statement {
    sid = "TakeJobs"
    actions = [
      "sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility", "sqs:GetQueueAttributes",
    ]
    resources = [module.jobs.arn]
  }

  # Hopeless jobs go there with a reason, without using up their tries.
  statement {
    sid       = "RefuseJobs"
    actions   = ["sqs:SendMessage"]
    resources = [module.job_failures.arn]
  }

  statement {
    sid       = "ReadVolume"
    actions   = ["elasticfilesystem:ClientMount"]
    resources = [var.file_system.file_system_arn]

    condition {
      test     = "ArnEquals"
      variable = "elasticfilesystem:AccessPointArn"
      values   = [var.file_system.access_point_arn]
    }
  }

  statement {
    sid       = "WriteLog"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents", "logs:DescribeLogStreams"]
    resources = ["${aws_cloudwatch_log_group.worker.arn}:*"]
  }
}

resource "aws_iam_role_policy" "platform" {
  name   = "platform"
  role   = aws_iam_role.worker.id
  policy = data.aws_iam_policy_document.platform.json
}

resource "aws_iam_role_policy" "purpose" {
  name   = "purpose"
  role   = aws_iam_role.worker.id
  policy = var.policy_json
}

# Apart from the above, because the group's ARN is known only once the group is there.
data "aws_iam_policy_document" "own_fleet" {
  statement {
    sid = "KeepWhileBusyAndDrain"
    actions = [
      "autoscaling:SetInstanceProtection",
      "autoscaling:RecordLifecycleActionHeartbeat",
      "autoscaling:CompleteLifecycleAction",
    ]
    resources = [aws_autoscaling_group.workers.arn]
  }
}

resource "aws_iam_role_policy" "own_fleet" {
  name   = "own-fleet"
  role   = aws_iam_role.worker.id
  policy = data.aws_iam_policy_document.own_fleet.json
}

resource "aws_cloudwatch_log_group" "worker" {
  #checkov:skip=CKV_AWS_338:How long logs are kept is the team's to say; log_retention_days has a default of a month.
  name              = "/memorability/${var.prefix}/heatmap-workers"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
}
