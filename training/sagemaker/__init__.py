"""The training as a job of Amazon SageMaker: `python -m training.sagemaker`, in script mode or in a container."""
