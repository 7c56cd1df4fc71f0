output "jobs_queue" {
  description = "Queue of heatmap jobs."
  value = {
    name = module.jobs.name
    arn  = module.jobs.arn
    url  = module.jobs.url
  }
}

output "failure_queue" {
  description = "Queue of jobs that failed every try."
  value = {
    name = module.job_failures.name
    arn  = module.job_failures.arn
    url  = module.job_failures.url
  }
}

output "fleet_name" {
  description = "Name of the workers' auto scaling group."
  value       = aws_autoscaling_group.workers.name
}

output "log_group_name" {
  description = "Name of the workers' log group."
  value       = aws_cloudwatch_log_group.worker.name
}

output "role_arn" {
  description = "ARN of the workers' role."
  value       = aws_iam_role.worker.arn
}

output "user_data" {
  description = "What an instance runs at its first boot (cloud-init), for tests."
  value       = local.user_data
}
