output "bucket" {
  description = "Bucket that photos are uploaded to."
  value = {
    name                 = module.uploads.name
    arn                  = module.uploads.arn
    regional_domain_name = module.uploads.regional_domain_name
  }
}

output "score_queue" {
  description = "Queue between bucket and scorer. Null with score_trigger = \"direct\"."
  value = local.queued ? {
    name = module.score_queue[0].name
    arn  = module.score_queue[0].arn
    url  = module.score_queue[0].url
  } : null
}

output "failure_queue" {
  description = "Queue of uploads that could not be scored."
  value = {
    name = module.score_failures.name
    arn  = module.score_failures.arn
    url  = module.score_failures.url
  }
}
