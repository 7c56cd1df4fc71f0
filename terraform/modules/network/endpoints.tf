data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}
data "aws_region" "current" {}

# What runs inside reaches the resources of its own account and nobody else's, whatever credentials it holds. Which of
# them, its role says.
data "aws_iam_policy_document" "own_account" {
  for_each = setunion(var.interface_endpoints, ["s3", "dynamodb"])

  statement {
    actions   = ["${each.key}:*"]
    resources = ["*"]

    principals {
      type        = "*"
      identifiers = ["*"]
    }

    condition {
      test     = "StringEquals"
      variable = "aws:ResourceAccount"
      values   = [data.aws_caller_identity.current.account_id]
    }
  }
}

data "aws_iam_policy_document" "s3" {
  source_policy_documents = [data.aws_iam_policy_document.own_account["s3"].json]

  # Workers install packages from Amazon Linux's repository, a bucket that AWS owns (AL2023 user guide,
  # "Deterministic upgrades through versioned repositories").
  statement {
    actions   = ["s3:GetObject"]
    resources = ["arn:${data.aws_partition.current.partition}:s3:::al2023-repos-${data.aws_region.current.name}-de612dc2/*"]

    principals {
      type        = "*"
      identifiers = ["*"]
    }
  }
}

resource "aws_vpc_endpoint" "gateway" {
  for_each = {
    s3       = data.aws_iam_policy_document.s3.json
    dynamodb = data.aws_iam_policy_document.own_account["dynamodb"].json
  }

  vpc_id            = aws_vpc.this.id
  vpc_endpoint_type = "Gateway"
  service_name      = "com.amazonaws.${data.aws_region.current.name}.${each.key}"
  route_table_ids   = [aws_route_table.private.id]
  policy            = each.value

  tags = { Name = "${var.prefix}-${each.key}" }
}

resource "aws_vpc_endpoint" "interface" {
  for_each = var.interface_endpoints

  vpc_id              = aws_vpc.this.id
  vpc_endpoint_type   = "Interface"
  service_name        = "com.amazonaws.${data.aws_region.current.name}.${each.key}"
  subnet_ids          = values(aws_subnet.private)[*].id
  security_group_ids  = [aws_security_group.endpoints.id]
  private_dns_enabled = true
  policy              = data.aws_iam_policy_document.own_account[each.key].json

  tags = { Name = "${var.prefix}-${each.key}" }
}
