# Nobody learns of the bucket before it is closed to the public, encrypted and versioned.
output "name" {
  description = "Name of the bucket."
  value       = aws_s3_bucket.this.bucket
  depends_on  = [aws_s3_bucket_lifecycle_configuration.this, aws_s3_bucket_server_side_encryption_configuration.this]
}

output "arn" {
  description = "ARN of the bucket."
  value       = aws_s3_bucket.this.arn
  depends_on  = [aws_s3_bucket_lifecycle_configuration.this, aws_s3_bucket_server_side_encryption_configuration.this]
}

output "regional_domain_name" {
  description = "Host name of the bucket in its own region."
  value       = aws_s3_bucket.this.bucket_regional_domain_name
}
