"""The worker's way to AWS; nothing else in it imports boto3."""
