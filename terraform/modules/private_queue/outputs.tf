output "name" {
  description = "Name of the queue."
  value       = aws_sqs_queue.this.name
}

# A service that is told of the queue may send to it.
output "arn" {
  description = "ARN of the queue."
  value       = aws_sqs_queue.this.arn
  depends_on  = [aws_sqs_queue_policy.this]
}

output "url" {
  description = "URL of the queue."
  value       = aws_sqs_queue.this.url
  depends_on  = [aws_sqs_queue_policy.this]
}
