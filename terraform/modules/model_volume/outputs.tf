# A function that names an access point is refused until the volume can be mounted in its subnets.
output "reader" {
  description = "How scorers and workers mount the volume: reading only."
  value = {
    file_system_id   = aws_efs_file_system.store.id
    file_system_arn  = aws_efs_file_system.store.arn
    access_point_id  = aws_efs_access_point.reader.id
    access_point_arn = aws_efs_access_point.reader.arn
    writable         = false
  }
  depends_on = [aws_efs_mount_target.store, aws_efs_file_system_policy.store]
}

output "publisher" {
  description = "How the publisher mounts the volume: reading and writing."
  value = {
    file_system_id   = aws_efs_file_system.store.id
    file_system_arn  = aws_efs_file_system.store.arn
    access_point_id  = aws_efs_access_point.publisher.id
    access_point_arn = aws_efs_access_point.publisher.arn
    writable         = true
  }
  depends_on = [aws_efs_mount_target.store, aws_efs_file_system_policy.store]
}

output "client_security_group_id" {
  description = "Security group whose members may mount the volume."
  value       = aws_security_group.clients.id
  depends_on  = [aws_vpc_security_group_egress_rule.to_mount_targets]
}

output "file_system_id" {
  description = "The volume, for dashboards."
  value       = aws_efs_file_system.store.id
}

output "artefacts_bucket" {
  description = "Bucket that models and dependency bundles are uploaded to."
  value = {
    name = module.artefacts.name
    arn  = module.artefacts.arn
  }
}

output "failure_queue" {
  description = "Queue of uploads that could not be published."
  value = {
    name = module.publish_failures.name
    arn  = module.publish_failures.arn
    url  = module.publish_failures.url
  }
}
