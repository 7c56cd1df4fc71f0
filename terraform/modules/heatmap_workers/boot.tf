locals {
  runtime_path = "${var.file_system.mount_path}/runtime/${coalesce(var.runtime_digest, "none")}"
  mount_unit   = "${replace(trimprefix(var.file_system.mount_path, "/"), "/", "-")}.mount"
  log_file     = "/var/log/memorability/worker.log"

  environment = merge(var.environment, {
    AWS_REGION                     = data.aws_region.current.name
    MEMORABILITY_AUTOSCALING_GROUP = local.fleet_name
    MEMORABILITY_JOBS_QUEUE_URL    = module.jobs.url
    MEMORABILITY_STORE             = var.file_system.mount_path
    MEMORABILITY_TERMINATION_HOOK  = local.termination_hook
    POWERTOOLS_SERVICE_NAME        = local.fleet_name
    PYTHONPATH                     = local.runtime_path
  })

  boot_files = {
    "/etc/memorability/worker.env" = join("", [for name, value in local.environment : "${name}=${value}\n"])
    "/etc/memorability/cloudwatch-agent.json" = jsonencode({
      logs = { logs_collected = { files = { collect_list = [{
        file_path       = local.log_file
        log_group_name  = aws_cloudwatch_log_group.worker.name
        log_stream_name = "{instance_id}"
      }] } } }
    })
    "/etc/systemd/system/${local.mount_unit}" = templatefile("${path.module}/boot/store.mount.tftpl", var.file_system)
    "/etc/systemd/system/memorability-worker.service" = templatefile("${path.module}/boot/memorability-worker.service.tftpl", {
      log_file   = local.log_file
      mount_path = var.file_system.mount_path
    })
  }

  cloud_config = {
    users = [
      "default",
      { name = "memorability", system = true, no_create_home = true, shell = "/sbin/nologin" },
    ]

    write_files = concat(
      [for file, content in local.boot_files : { path = file, content = content, permissions = "0644" }],
      [{
        path        = "/usr/local/sbin/start-memorability-worker"
        content     = file("${path.module}/boot/start-worker.sh")
        permissions = "0755"
      }],
    )

    runcmd = [["/usr/local/sbin/start-memorability-worker", local.mount_unit]]
  }

  user_data = "#cloud-config\n${yamlencode(local.cloud_config)}"
}
