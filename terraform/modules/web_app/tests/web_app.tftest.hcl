mock_provider "aws" {
  source          = "../../tests/mocks"
  override_during = plan
}

variables {
  prefix              = "demo"
  has_heatmap_workers = true
  page                = { bucket_name = "demo-111122223333-eu-west-1-page", directory = "./tests/page", additional_origins = ["http://127.0.0.1:8000"] }
  storage_hosts       = ["uploads.s3.eu-west-1.amazonaws.com"]
  kms_key_arn         = "arn:aws:kms:eu-west-1:111122223333:key/00000000-0000-0000-0000-000000000000"
  log_retention_days  = 30

  api = {
    function_name = "demo-api"
    alias_name    = "live"
    alias_arn     = "arn:aws:lambda:eu-west-1:111122223333:function:demo-api:live"
    invoke_arn    = "arn:aws:apigateway:eu-west-1:lambda:path/2015-03-31/functions/demo-api:live/invocations"
  }
}

run "asks_for_a_token_on_every_route_but_the_description" {
  command = plan

  assert {
    condition     = alltrue([for route in aws_apigatewayv2_route.signed_in : route.authorization_type == "JWT"])
    error_message = "There is a route without a token."
  }

  assert {
    condition     = aws_apigatewayv2_route.description.route_key == "GET /openapi.json"
    error_message = "More than the API's description is for everybody."
  }

  assert {
    condition     = one(aws_apigatewayv2_api.api.cors_configuration).allow_methods == toset(keys(aws_apigatewayv2_route.signed_in)) && !contains(keys(aws_apigatewayv2_route.signed_in), "ANY")
    error_message = "A route would take the browsers' OPTIONS requests, which carry no token."
  }

  assert {
    condition     = one(aws_apigatewayv2_authorizer.users.jwt_configuration).audience == toset([aws_cognito_user_pool_client.page.id])
    error_message = "Tokens for other clients are accepted."
  }

  assert {
    condition     = aws_apigatewayv2_integration.api.payload_format_version == "2.0"
    error_message = "The function would get events of another format."
  }
}

run "keeps_tenants_out_of_users_hands" {
  command = plan

  assert {
    condition     = one(aws_cognito_user_pool.users.admin_create_user_config).allow_admin_create_user_only
    error_message = "Anybody can sign up."
  }

  assert {
    condition     = !contains(aws_cognito_user_pool_client.page.write_attributes, "custom:tenant") && contains(aws_cognito_user_pool_client.page.read_attributes, "custom:tenant")
    error_message = "A user can change the tenant, or the token does not carry it."
  }

  assert {
    condition     = aws_cognito_user_pool_client.page.allowed_oauth_flows == toset(["code"]) && !aws_cognito_user_pool_client.page.generate_secret
    error_message = "The page does not sign in by the code flow with PKCE."
  }

  assert {
    condition     = aws_cognito_user_pool_client.page.callback_urls == toset(["https://d111.cloudfront.net/", "http://127.0.0.1:8000/"])
    error_message = "Signing in leads elsewhere than to the page."
  }
}

run "delivers_the_page_through_cloudfront_only" {
  command = plan

  assert {
    condition     = one(aws_cloudfront_distribution.page.origin).origin_access_control_id == aws_cloudfront_origin_access_control.page.id
    error_message = "CloudFront does not sign its requests to the bucket."
  }

  assert {
    condition     = one(aws_cloudfront_distribution.page.default_cache_behavior).viewer_protocol_policy == "redirect-to-https"
    error_message = "The page is delivered without TLS."
  }

  assert {
    condition     = one(one(data.aws_iam_policy_document.cloudfront_reads_page.statement).condition).values == tolist([aws_cloudfront_distribution.page.arn])
    error_message = "Other distributions can read the bucket."
  }

  assert {
    condition     = !strcontains(local.content_security_policy, "unsafe-inline") && strcontains(local.content_security_policy, "frame-ancestors 'none'")
    error_message = "The content security policy admits inline script or a frame around the page."
  }

  assert {
    condition     = { for key, file in aws_s3_object.page : key => file.content_type } == { "index.html" = "text/html; charset=utf-8", "style.css" = "text/css; charset=utf-8" }
    error_message = "The files of the page are not uploaded, or browsers would not understand them."
  }

  assert {
    condition     = jsondecode(aws_s3_object.settings.content).api_url == "https://a1b2c3.execute-api.eu-west-1.amazonaws.com"
    error_message = "The page does not know its API."
  }

  assert {
    condition     = jsondecode(aws_s3_object.settings.content).heatmaps == true
    error_message = "The page does not offer the heatmaps that there are workers for."
  }
}

run "offers_no_heatmaps_without_workers" {
  command = plan

  variables {
    has_heatmap_workers = false
  }

  assert {
    condition     = jsondecode(aws_s3_object.settings.content).heatmaps == false
    error_message = "The page offers heatmaps that nobody would make."
  }
}

run "stands_before_the_page_is_written" {
  command = plan

  variables {
    page = { bucket_name = "demo-111122223333-eu-west-1-page" }
  }

  assert {
    condition     = length(aws_s3_object.page) == 0 && output.page_url == "https://d111.cloudfront.net"
    error_message = "Without files there should be an empty bucket behind CloudFront."
  }
}

run "answers_to_its_own_name" {
  command = plan

  variables {
    domain = { name = "photos.example.org", certificate_arn = "arn:aws:acm:us-east-1:111122223333:certificate/1" }
  }

  assert {
    condition     = output.page_url == "https://photos.example.org" && one(aws_cloudfront_distribution.page.viewer_certificate).minimum_protocol_version == "TLSv1.2_2021"
    error_message = "The page does not answer to its own name with TLS 1.2."
  }
}

run "is_found_on_an_emulator" {
  command = plan

  variables {
    emulator_url = "http://127.0.0.1:4566"
    require_tls  = false
  }

  assert {
    condition     = output.api_url == "http://127.0.0.1:4566/_aws/execute-api/${output.api_id}/$default" && output.user_pool.sign_in_url == "http://127.0.0.1:4566"
    error_message = "API or sign-in are not paths of the emulator's address."
  }

  assert {
    condition     = output.page_url == "http://d111.cloudfront.localhost:4566" && contains(aws_cognito_user_pool_client.page.callback_urls, "${output.page_url}/")
    error_message = "The page is not a name on this machine, or signing in does not lead to it."
  }

  assert {
    condition     = strcontains(local.content_security_policy, "connect-src 'self' http://127.0.0.1:4566;")
    error_message = "The page may not call the emulator."
  }

  assert {
    condition     = one(aws_cloudfront_distribution.page.default_cache_behavior).viewer_protocol_policy == "allow-all"
    error_message = "The page asks for TLS, which the emulator has not."
  }
}

run "reject_prefix" {
  command = plan

  variables {
    prefix = "our-aws-photos"
  }

  expect_failures = [var.prefix]
}

run "reject_emulator_url" {
  command = plan

  variables {
    emulator_url = "http://127.0.0.1:4566/"
  }

  expect_failures = [var.emulator_url]
}

run "reject_throttle" {
  command = plan

  variables {
    throttle = { rate = 0 }
  }

  expect_failures = [var.throttle]
}

run "reject_page_without_index" {
  command = plan

  variables {
    page = { bucket_name = "demo-111122223333-eu-west-1-page", directory = "./tests" }
  }

  expect_failures = [var.page]
}

run "reject_page_origin" {
  command = plan

  variables {
    page = { bucket_name = "demo-111122223333-eu-west-1-page", additional_origins = ["https://*.example.org"] }
  }

  expect_failures = [var.page]
}

run "reject_domain" {
  command = plan

  variables {
    domain = { name = "photos.example.org", certificate_arn = "arn:aws:acm:eu-west-1:111122223333:certificate/1" }
  }

  expect_failures = [var.domain]
}
