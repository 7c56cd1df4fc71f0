mock_provider "aws" {
  source          = "../../tests/mocks"
  override_during = plan
}

variables {
  prefix              = "demo"
  cidr_block          = "10.40.0.0/16"
  zone_count          = 3
  interface_endpoints = ["sqs", "logs"]
  kms_key_arn         = "arn:aws:kms:eu-west-1:111122223333:key/00000000-0000-0000-0000-000000000000"
  log_retention_days  = 30
}

run "spans_the_first_zones_privately" {
  command = plan

  assert {
    condition     = keys(aws_subnet.private) == ["eu-west-1a", "eu-west-1b", "eu-west-1c"]
    error_message = "The subnets are not in the first zones by name."
  }

  assert {
    condition     = !anytrue([for subnet in aws_subnet.private : subnet.map_public_ip_on_launch])
    error_message = "A subnet gives out public addresses."
  }

  assert {
    condition     = aws_subnet.private["eu-west-1b"].cidr_block == "10.40.16.0/20"
    error_message = "A zone's subnet is not a sixteenth of the VPC."
  }
}

run "reaches_aws_through_endpoints" {
  command = plan

  assert {
    condition     = alltrue([for endpoint in aws_vpc_endpoint.gateway : endpoint.vpc_endpoint_type == "Gateway"]) && keys(aws_vpc_endpoint.gateway) == ["dynamodb", "s3"]
    error_message = "S3 and DynamoDB are not reached through gateway endpoints."
  }

  assert {
    condition     = keys(aws_vpc_endpoint.interface) == ["logs", "sqs"]
    error_message = "The asked interface endpoints are not there."
  }

  assert {
    condition     = alltrue([for endpoint in aws_vpc_endpoint.interface : endpoint.private_dns_enabled])
    error_message = "An interface endpoint does not answer to the service's own name."
  }

  assert {
    condition = alltrue([
      for document in data.aws_iam_policy_document.own_account :
      one(one(document.statement).condition).variable == "aws:ResourceAccount"
    ])
    error_message = "Another account's resources can be reached."
  }
}

run "opens_https_only" {
  command = plan

  assert {
    condition = alltrue([
      for rule in concat(values(aws_vpc_security_group_egress_rule.to_gateways), [aws_vpc_security_group_egress_rule.to_endpoints]) :
      rule.from_port == 443 && rule.to_port == 443 && rule.cidr_ipv4 == null
    ])
    error_message = "Members of the security group may reach more than AWS over HTTPS."
  }

  assert {
    condition     = keys(aws_vpc_security_group_egress_rule.to_gateways) == ["dynamodb", "s3"]
    error_message = "Members of the security group cannot reach S3 and DynamoDB."
  }
}

run "does_without_prefix_lists_on_an_emulator" {
  command = plan

  variables {
    prefix_lists = false
  }

  assert {
    condition     = length(aws_vpc_security_group_egress_rule.to_gateways) == 0
    error_message = "A rule names a prefix list that the emulator forgets."
  }
}

run "reject_cidr_block" {
  command = plan

  variables {
    cidr_block = "10.40.0.0/24"
  }

  expect_failures = [var.cidr_block]
}

run "reject_zone_count" {
  command = plan

  variables {
    zone_count = 1
  }

  expect_failures = [var.zone_count]
}

run "reject_interface_endpoints" {
  command = plan

  variables {
    interface_endpoints = ["s3"]
  }

  expect_failures = [var.interface_endpoints]
}
