"""What AWS Lambda runs: thin handlers over `model_store`, with the adapters to AWS beside them."""
