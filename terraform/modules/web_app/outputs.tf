output "page_url" {
  description = "Address of the page."
  value       = local.page_url
}

output "page_bucket_name" {
  description = "Bucket with the page's files."
  value       = module.page.name
}

output "origins" {
  description = "Web origins of the page, which need to be allowed to use the buckets."
  value       = local.origins
}

output "api_url" {
  description = "Address of the HTTP API."
  value       = local.api_url
  depends_on  = [aws_apigatewayv2_stage.default, aws_apigatewayv2_route.signed_in, aws_lambda_permission.api_invokes_function]
}

output "api_id" {
  description = "The HTTP API, for dashboards and emulators."
  value       = aws_apigatewayv2_api.api.id
}

output "user_pool" {
  description = "Where users are created and sign in."
  value = {
    id          = aws_cognito_user_pool.users.id
    client_id   = aws_cognito_user_pool_client.page.id
    sign_in_url = local.sign_in_url
  }
}
