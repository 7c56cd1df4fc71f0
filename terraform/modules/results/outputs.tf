output "table" {
  description = "Table of results, and the index that lists a tenant's batches."
  value = {
    name      = aws_dynamodb_table.results.name
    arn       = aws_dynamodb_table.results.arn
    index_arn = "${aws_dynamodb_table.results.arn}/index/by_tenant"
  }
}

output "heatmaps_bucket" {
  description = "Bucket for heatmaps."
  value = {
    name                 = module.heatmaps.name
    arn                  = module.heatmaps.arn
    regional_domain_name = module.heatmaps.regional_domain_name
  }
}
