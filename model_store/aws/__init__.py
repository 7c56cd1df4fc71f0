"""S3 and DynamoDB for functions and workers: of this package, the only part that knows boto3."""
