data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}
data "aws_region" "current" {}

locals {
  # Put together rather than read from the function, which waits for the policy that names it.
  function_arn = join(":", [
    "arn", data.aws_partition.current.partition, "lambda", data.aws_region.current.name,
    data.aws_caller_identity.current.account_id, "function", var.name,
  ])

  network_actions = [
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:UnassignPrivateIpAddresses",
  ]
}

resource "aws_iam_role" "this" {
  name               = var.name
  description        = "Role of the function ${var.name} and of nothing else"
  assume_role_policy = data.aws_iam_policy_document.trust.json
}

data "aws_iam_policy_document" "trust" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["lambda.amazonaws.com"]
    }
  }
}

# What every function needs to run here.
data "aws_iam_policy_document" "platform" {
  #checkov:skip=CKV_AWS_111:X-Ray and network interfaces know no narrower resource; a deny keeps the latter from the code.
  #checkov:skip=CKV_AWS_356:As above.
  statement {
    sid       = "WriteLog"
    actions   = ["logs:CreateLogStream", "logs:PutLogEvents"]
    resources = ["${aws_cloudwatch_log_group.this.arn}:*"]
  }

  # AWS forces the wildcard: X-Ray has no resources to name.
  statement {
    sid       = "WriteTraces"
    actions   = ["xray:PutTraceSegments", "xray:PutTelemetryRecords"]
    resources = ["*"]
  }

  # AWS forces the wildcard: Lambda asks for these without a resource when it joins a function to a network …
  statement {
    sid       = "JoinNetwork"
    actions   = local.network_actions
    resources = ["*"]
  }

  # … and does so itself: the code, which holds the same role, may not (Lambda developer guide, "Giving Lambda
  # functions access to resources in an Amazon VPC").
  statement {
    sid       = "DenyNetworkToCode"
    effect    = "Deny"
    actions   = local.network_actions
    resources = ["*"]

    condition {
      test     = "ArnEquals"
      variable = "lambda:SourceFunctionArn"
      values   = [local.function_arn]
    }
  }

  statement {
    sid = "MountVolume"
    actions = concat(
      ["elasticfilesystem:ClientMount"],
      var.file_system.writable ? ["elasticfilesystem:ClientWrite"] : [],
    )
    resources = [var.file_system.file_system_arn]

    condition {
      test     = "ArnEquals"
      variable = "elasticfilesystem:AccessPointArn"
      values   = [var.file_system.access_point_arn]
    }
  }

  dynamic "statement" {
    for_each = var.on_failure == null ? [] : [var.on_failure.queue_arn]

    content {
      sid       = "ReportFailures"
      actions   = ["sqs:SendMessage"]
      resources = [statement.value]
    }
  }
}

resource "aws_iam_role_policy" "platform" {
  name   = "platform"
  role   = aws_iam_role.this.id
  policy = data.aws_iam_policy_document.platform.json
}

resource "aws_iam_role_policy" "purpose" {
  name   = "purpose"
  role   = aws_iam_role.this.id
  policy = var.policy_json
}
