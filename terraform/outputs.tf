output "deployment" {
  description = "What clients need to know: the content of build/deployment.json."
  value = {
    region           = data.aws_region.current.name
    uploads_bucket   = module.image_intake.bucket.name
    results_table    = module.results.table.name
    artefacts_bucket = module.model_volume.artefacts_bucket.name
    jobs_queue_url   = try(module.heatmap_workers[0].jobs_queue.url, null)
    api_url          = try(module.web_app[0].api_url, null)
    page_url         = try(module.web_app[0].page_url, null)
  }
}

output "artefacts_bucket" {
  description = "Bucket that models and dependency bundles are uploaded to."
  value       = module.model_volume.artefacts_bucket.name
}

output "heatmaps_bucket" {
  description = "Bucket for heatmaps."
  value       = module.results.heatmaps_bucket.name
}

output "page_bucket" {
  description = "Bucket with the page's files. Null before the API is packaged."
  value       = try(module.web_app[0].page_bucket_name, null)
}

output "user_pool" {
  description = "Where users are created and sign in. Null before the API is packaged."
  value       = try(module.web_app[0].user_pool, null)
}

output "api_id" {
  description = "The HTTP API. Null before it is packaged."
  value       = try(module.web_app[0].api_id, null)
}

output "functions" {
  description = "Names of the functions by purpose."
  value = merge(
    { score = module.score.function_name, publish = module.publish.function_name },
    { for api in module.api : "api" => api.function_name },
  )
}

output "log_groups" {
  description = "Names of the log groups by purpose."
  value = merge(
    { score = module.score.log_group_name, publish = module.publish.log_group_name },
    { for api in module.api : "api" => api.log_group_name },
    { for workers in module.heatmap_workers : "heatmap_workers" => workers.log_group_name },
  )
}

output "score_queue" {
  description = "Queue between uploads and the scorer. Null with score_trigger = \"direct\"."
  value       = module.image_intake.score_queue
}

output "failure_queues" {
  description = "Queues of what failed for good, by what it was."
  value = merge(
    { score = module.image_intake.failure_queue, publish = module.model_volume.failure_queue },
    { for workers in module.heatmap_workers : "heatmap_jobs" => workers.failure_queue },
  )
}

output "roles" {
  description = "Roles by who holds them."
  value = merge(
    { score = module.score.role_arn, publish = module.publish.role_arn },
    { for api in module.api : "api" => api.role_arn },
    { for workers in module.heatmap_workers : "heatmap_workers" => workers.role_arn },
  )
}

output "runtime" {
  description = "The functions' dependency bundle: they start only once it is on the volume."
  value = {
    digest = local.manifest.runtime.digest
    path   = "${dirname(var.lambda_packages_file)}/${basename(local.manifest.runtime.path)}"
  }
}

output "dashboard" {
  description = "Name of the CloudWatch dashboard."
  value       = module.observability.dashboard_name
}

output "alarm_topic_arn" {
  description = "Topic that alarms go to."
  value       = module.observability.alarm_topic_arn
}
