# Standard queues: a message group for each tenant makes them fair, so that no tenant's burst delays the others' jobs.
module "jobs" {
  source = "../private_queue"

  name                       = "${var.prefix}-heatmap-jobs"
  visibility_timeout_seconds = var.jobs.visibility_timeout_seconds
  require_tls                = var.require_tls

  redrive = {
    queue_arn    = module.job_failures.arn
    queue_url    = module.job_failures.url
    max_receives = var.jobs.max_receives
  }
}

module "job_failures" {
  source = "../private_queue"

  name           = "${var.prefix}-heatmap-job-failures"
  retention_days = 14
  require_tls    = var.require_tls
}
