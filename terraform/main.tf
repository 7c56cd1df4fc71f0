data "aws_caller_identity" "current" {}
data "aws_region" "current" {}

locals {
  tags = merge(var.tags, { application = "memorability", deployment = var.prefix })

  # Bucket names are global: account and region keep them apart, and two prefixes keep two deployments apart.
  bucket_name = { for purpose in ["uploads", "artefacts", "heatmaps", "page"] :
    purpose => join("-", [var.prefix, data.aws_caller_identity.current.account_id, data.aws_region.current.name, purpose])
  }

  # The zips lie beside their manifest, wherever the build was.
  manifest = jsondecode(file(var.lambda_packages_file))
  packages = { for name in ["score", "publish", "api"] : name => {
    path          = "${dirname(var.lambda_packages_file)}/${basename(local.manifest[name].path)}"
    sha256_base64 = local.manifest[name].sha256_base64
  } if contains(keys(local.manifest), name) }

  has_api     = contains(keys(local.packages), "api")
  has_workers = var.heatmap_workers != null

  metric_namespace = "Memorability"
  require_tls      = !var.emulator.plain_http
}

module "network" {
  source = "./modules/network"
  count  = var.existing_network == null ? 1 : 0

  prefix             = var.prefix
  cidr_block         = var.network.cidr_block
  zone_count         = var.network.zone_count
  kms_key_arn        = aws_kms_key.data.arn
  log_retention_days = var.retention_days.logs
  prefix_lists       = !var.emulator.no_prefix_lists

  interface_endpoints = toset(concat(
    local.has_api || local.has_workers ? ["sqs"] : [],
    local.has_workers ? ["autoscaling", "logs"] : [],
  ))
}

locals {
  network = var.existing_network != null ? var.existing_network : {
    vpc_id             = module.network[0].vpc_id
    subnet_ids         = module.network[0].subnet_ids
    security_group_ids = [module.network[0].security_group_id]
  }

  # Functions and workers call AWS and mount the volume.
  inside = {
    subnet_ids         = local.network.subnet_ids
    security_group_ids = concat(local.network.security_group_ids, [module.model_volume.client_security_group_id])
  }
}

module "model_volume" {
  source = "./modules/model_volume"

  prefix                = var.prefix
  network               = { vpc_id = local.network.vpc_id, subnet_ids = local.network.subnet_ids }
  artefacts_bucket_name = local.bucket_name["artefacts"]
  publisher             = module.publish.alias
  kms_key_arn           = aws_kms_key.data.arn
  allow_destroy_of_data = var.allow_destroy_of_data
  require_tls           = local.require_tls
}

module "image_intake" {
  source = "./modules/image_intake"

  prefix                 = var.prefix
  bucket_name            = local.bucket_name["uploads"]
  score_trigger          = var.score_trigger
  scorer                 = module.score.alias
  scorer_timeout_seconds = var.score.timeout_seconds
  queue                  = { batch_size = var.score.batch_size, max_concurrency = var.score.max_concurrency }
  allowed_origins        = local.page_origins
  retention_days         = var.retention_days.uploads
  kms_key_arn            = aws_kms_key.data.arn
  allow_destroy_of_data  = var.allow_destroy_of_data
  require_tls            = local.require_tls
}

module "results" {
  source = "./modules/results"

  prefix                 = var.prefix
  heatmaps_bucket_name   = local.bucket_name["heatmaps"]
  heatmap_retention_days = var.retention_days.heatmaps
  allowed_origins        = local.page_origins
  kms_key_arn            = aws_kms_key.data.arn
  allow_destroy_of_data  = var.allow_destroy_of_data
  require_tls            = local.require_tls
}

module "observability" {
  source = "./modules/observability"

  prefix             = var.prefix
  metric_namespace   = local.metric_namespace
  file_system_id     = module.model_volume.file_system_id
  results_table_name = module.results.table.name
  alarm_emails       = var.alarm_emails
  budget             = var.budget
  kms_key_arn        = aws_kms_key.data.arn
  worker_fleet_name  = one(module.heatmap_workers[*].fleet_name)

  functions = merge(
    { score = module.score.function_name, publish = module.publish.function_name },
    { for api in module.api : "api" => api.function_name },
  )

  work_queues = merge(
    var.score_trigger == "queue" ? { "photos to score" = module.image_intake.score_queue.name } : {},
    { for workers in module.heatmap_workers : "heatmap jobs" => workers.jobs_queue.name },
  )

  failure_queues = merge(
    { "photos to score" = module.image_intake.failure_queue.name },
    { "models to publish" = module.model_volume.failure_queue.name },
    { for workers in module.heatmap_workers : "heatmap jobs" => workers.failure_queue.name },
  )
}
