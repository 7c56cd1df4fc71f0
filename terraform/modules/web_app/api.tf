data "aws_caller_identity" "current" {}
data "aws_region" "current" {}

locals {
  methods = ["DELETE", "GET", "POST"]
}

resource "aws_apigatewayv2_api" "api" {
  name          = var.prefix
  description   = "Batches, results and heatmaps of ${var.prefix}"
  protocol_type = "HTTP"

  # Pages of any origin may call: what counts is the token, which unlike a cookie no browser adds by itself. (A list of
  # origins would also need the page's address, which needs the API's for its content security policy.)
  cors_configuration {
    allow_origins  = ["*"]
    allow_methods  = local.methods
    allow_headers  = ["authorization", "content-type", "idempotency-key"]
    expose_headers = ["etag", "location"]
    max_age        = 3600
  }
}

resource "aws_apigatewayv2_authorizer" "users" {
  name             = "users"
  api_id           = aws_apigatewayv2_api.api.id
  authorizer_type  = "JWT"
  identity_sources = ["$request.header.Authorization"]

  jwt_configuration {
    issuer   = "https://${aws_cognito_user_pool.users.endpoint}"
    audience = [aws_cognito_user_pool_client.page.id]
  }
}

resource "aws_apigatewayv2_integration" "api" {
  api_id                 = aws_apigatewayv2_api.api.id
  integration_type       = "AWS_PROXY"
  integration_uri        = var.api.invoke_arn
  payload_format_version = "2.0"
}

# Not "ANY": that would take the browsers' OPTIONS requests too, which carry no token, and refuse them (API Gateway
# developer guide, "Configure CORS for HTTP APIs").
resource "aws_apigatewayv2_route" "signed_in" {
  for_each = toset(local.methods)

  api_id             = aws_apigatewayv2_api.api.id
  route_key          = "${each.key} /{path+}"
  target             = "integrations/${aws_apigatewayv2_integration.api.id}"
  authorization_type = "JWT"
  authorizer_id      = aws_apigatewayv2_authorizer.users.id
}

# What the API can do is no secret, and programmers look at it before they have a token.
resource "aws_apigatewayv2_route" "description" {
  #checkov:skip=CKV_AWS_309:The description of the API is for everybody.
  api_id             = aws_apigatewayv2_api.api.id
  route_key          = "GET /openapi.json"
  target             = "integrations/${aws_apigatewayv2_integration.api.id}"
  authorization_type = "NONE"
}

resource "aws_apigatewayv2_stage" "default" {
  api_id      = aws_apigatewayv2_api.api.id
  name        = "$default"
  auto_deploy = true

  default_route_settings {
    throttling_rate_limit  = var.throttle.rate
    throttling_burst_limit = var.throttle.burst
  }

  access_log_settings {
    destination_arn = aws_cloudwatch_log_group.api.arn
    format = jsonencode({
      request_id         = "$context.requestId"
      time               = "$context.requestTime"
      method             = "$context.httpMethod"
      path               = "$context.path"
      status             = "$context.status"
      user               = "$context.authorizer.claims.sub"
      response_ms        = "$context.responseLatency"
      authorizer_error   = "$context.authorizer.error"
      integration_error  = "$context.integrationErrorMessage"
      integration_status = "$context.integrationStatus"
    })
  }
}

resource "aws_cloudwatch_log_group" "api" {
  #checkov:skip=CKV_AWS_338:How long logs are kept is the team's to say; log_retention_days has a default of a month.
  name              = "/memorability/${var.prefix}/api"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
}

resource "aws_lambda_permission" "api_invokes_function" {
  statement_id  = "http-api"
  action        = "lambda:InvokeFunction"
  principal     = "apigateway.amazonaws.com"
  function_name = var.api.function_name
  qualifier     = var.api.alias_name
  source_arn    = "${aws_apigatewayv2_api.api.execution_arn}/*"
}
