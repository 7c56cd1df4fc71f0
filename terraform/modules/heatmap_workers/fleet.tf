locals {
  fleet_name       = "${var.prefix}-heatmap-workers"
  termination_hook = "drain"

  # Without a bundle an instance could only cost money.
  min_size = var.runtime_digest == null ? 0 : var.fleet.min_size
  max_size = var.runtime_digest == null ? 0 : var.fleet.max_size
  tags     = merge(var.tags, { Name = local.fleet_name })
}

resource "aws_launch_template" "worker" {
  name                                 = local.fleet_name
  image_id                             = "resolve:ssm:${var.fleet.image_ssm_parameter}"
  user_data                            = base64encode(local.user_data)
  instance_initiated_shutdown_behavior = "terminate"
  update_default_version               = true

  iam_instance_profile {
    arn = aws_iam_instance_profile.worker.arn
  }

  metadata_options {
    http_endpoint               = "enabled"
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
  }

  network_interfaces {
    associate_public_ip_address = false
    security_groups             = var.network.security_group_ids
    delete_on_termination       = true
  }

  # With the account's EBS key: the group's service role could not use the deployment's key without a grant, and the
  # disk holds no more than a job's files.
  block_device_mappings {
    device_name = "/dev/xvda"

    ebs {
      encrypted             = true
      volume_type           = "gp3"
      delete_on_termination = true
    }
  }

  dynamic "tag_specifications" {
    for_each = toset(["instance", "volume", "network-interface"])

    content {
      resource_type = tag_specifications.value
      tags          = local.tags
    }
  }
}

resource "aws_autoscaling_group" "workers" {
  name                      = local.fleet_name
  min_size                  = local.min_size
  max_size                  = local.max_size
  vpc_zone_identifier       = var.network.subnet_ids
  health_check_type         = "EC2"
  health_check_grace_period = 300
  default_instance_warmup   = 300
  capacity_rebalance        = true
  max_instance_lifetime     = 7 * 24 * 60 * 60 # so that security fixes of the image arrive
  protect_from_scale_in     = false            # a worker protects itself while it is busy
  wait_for_capacity_timeout = "0"              # an apply does not wait for instances

  enabled_metrics = var.fleet_metrics ? ["GroupDesiredCapacity", "GroupInServiceInstances"] : null

  mixed_instances_policy {
    instances_distribution {
      on_demand_allocation_strategy            = "prioritized"
      on_demand_base_capacity                  = 0
      on_demand_percentage_above_base_capacity = var.fleet.on_demand_percent
      spot_allocation_strategy                 = "price-capacity-optimized"
    }

    launch_template {
      launch_template_specification {
        launch_template_id = aws_launch_template.worker.id
        version            = aws_launch_template.worker.latest_version
      }

      dynamic "override" {
        for_each = var.fleet.instance_types

        content {
          instance_type = override.value
        }
      }
    }
  }

  # A new bundle or setting replaces the workers, busy ones when their jobs are done.
  instance_refresh {
    strategy = "Rolling"

    preferences {
      min_healthy_percentage       = 0
      scale_in_protected_instances = "Wait"
    }
  }

  dynamic "tag" {
    for_each = local.tags

    content {
      key                 = tag.key
      value               = tag.value
      propagate_at_launch = true
    }
  }

  lifecycle {
    ignore_changes = [desired_capacity] # the scaling policy's
  }

  depends_on = [aws_iam_role_policy.platform, aws_iam_role_policy.purpose]
}

# Time to finish or hand back jobs before an instance goes.
resource "aws_autoscaling_lifecycle_hook" "drain" {
  name                   = local.termination_hook
  autoscaling_group_name = aws_autoscaling_group.workers.name
  lifecycle_transition   = "autoscaling:EC2_INSTANCE_TERMINATING"
  heartbeat_timeout      = var.fleet.drain_seconds
  default_result         = "CONTINUE"
}
