# Where everything is found. An emulator has no names in the DNS: there API, sign-in and storage are paths of its one
# address, and the page is a name that browsers look for on their own machine (RFC 6761, section 6.3).
locals {
  on_aws = var.emulator_url == null

  api_origin  = local.on_aws ? aws_apigatewayv2_api.api.api_endpoint : var.emulator_url
  api_url     = local.on_aws ? local.api_origin : "${var.emulator_url}/_aws/execute-api/${aws_apigatewayv2_api.api.id}/$default"
  sign_in_url = local.on_aws ? "https://${aws_cognito_user_pool_domain.sign_in.domain}.auth.${data.aws_region.current.name}.amazoncognito.com" : var.emulator_url
  storage     = local.on_aws ? join(" ", [for host in var.storage_hosts : "https://${host}"]) : var.emulator_url

  delivered_by = aws_cloudfront_distribution.page.domain_name
  page_host    = var.domain == null ? local.delivered_by : var.domain.name
  page_url     = local.on_aws ? "https://${local.page_host}" : "http://${split(".", local.delivered_by)[0]}.cloudfront.localhost:${local.emulator_port}"

  emulator_port = local.on_aws ? null : regex(":([0-9]+)$", var.emulator_url)[0]
}
