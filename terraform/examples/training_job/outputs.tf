output "role_arn" {
  description = "Role of the training jobs."
  value       = aws_iam_role.job.arn
  depends_on  = [aws_iam_role_policy.job]
}

output "inputs_bucket" {
  description = "Bucket for photos and scores (`data/`) and the model store (`store/`)."
  value       = module.inputs.name
}

output "results_bucket" {
  description = "Bucket for what jobs leave (`jobs/`) and for their checkpoints (`checkpoints/`)."
  value       = module.results.name
}

output "repository_url" {
  description = "Where the image is pushed to."
  value       = aws_ecr_repository.training.repository_url
}

output "job" {
  description = "The request for a job, but for its name, its hyperparameters and its checkpoints: input of `aws sagemaker create-training-job --cli-input-json`."
  value = {
    RoleArn                   = aws_iam_role.job.arn
    EnableNetworkIsolation    = true
    EnableManagedSpotTraining = true

    AlgorithmSpecification = {
      TrainingImage     = "${aws_ecr_repository.training.repository_url}:${var.image_tag}"
      TrainingInputMode = "File"
      MetricDefinitions = [{ Name = "spearman", Regex = "spearman=(-?[0-9.]+)" }]
    }

    InputDataConfig = [for channel, folder in { training = "data", store = "store" } : {
      ChannelName = channel
      DataSource = {
        S3DataSource = {
          S3DataType             = "S3Prefix"
          S3Uri                  = "s3://${module.inputs.name}/${folder}/"
          S3DataDistributionType = "FullyReplicated"
        }
      }
    }]

    OutputDataConfig = {
      S3OutputPath = "s3://${module.results.name}/jobs"
      KmsKeyId     = aws_kms_key.training.arn
    }

    ResourceConfig = {
      InstanceType   = var.job.instance_type
      InstanceCount  = 1
      VolumeSizeInGB = var.job.volume_gib
    }

    StoppingCondition = {
      MaxRuntimeInSeconds  = 3600 * var.job.max_hours
      MaxWaitTimeInSeconds = 7200 * var.job.max_hours
    }
  }
  depends_on = [aws_iam_role_policy.job]
}
