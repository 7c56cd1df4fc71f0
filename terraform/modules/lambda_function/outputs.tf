output "function_name" {
  description = "Name of the function."
  value       = aws_lambda_function.this.function_name
}

output "role_arn" {
  description = "ARN of the function's role."
  value       = aws_iam_role.this.arn
}

output "log_group_name" {
  description = "Name of the log group."
  value       = aws_cloudwatch_log_group.this.name
}

# Whoever may call the alias finds a function whose failures are caught and whose role is whole.
output "alias" {
  description = "What callers name: the alias that always is the deployed package."
  value = {
    function_name = aws_lambda_function.this.function_name
    alias_name    = aws_lambda_alias.live.name
    alias_arn     = aws_lambda_alias.live.arn
    invoke_arn    = aws_lambda_alias.live.invoke_arn
  }
  depends_on = [aws_lambda_function_event_invoke_config.this]
}
