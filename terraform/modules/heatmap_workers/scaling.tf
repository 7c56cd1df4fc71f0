# Workers = jobs ÷ jobs_per_worker, rounded up, between min_size and max_size.
#
# Target tracking multiplies the present capacity and so cannot be relied on to leave zero. Steps to exact capacities
# can, and need only one policy for both directions: "busy" grows the fleet within two minutes, "idle" ends it when
# nothing has waited or run for a while. Jobs in work count, so the fleet is not shrunk under them; a worker that is
# busy all the same is protected by itself.

locals {
  steps = concat(
    [{ lower = null, upper = 0, capacity = local.min_size }],
    [for worker in range(1, var.fleet.max_size + 1) : {
      lower    = (worker - 1) * var.fleet.jobs_per_worker
      upper    = worker == var.fleet.max_size ? null : worker * var.fleet.jobs_per_worker
      capacity = min(max(worker, local.min_size), local.max_size)
    }],
  )

  backlog_alarms = {
    busy = {
      description         = "Heatmap jobs wait or run. Not a fault: this alarm sets the number of workers."
      comparison_operator = "GreaterThanOrEqualToThreshold"
      evaluation_periods  = 1
      treat_missing_data  = "notBreaching"
    }
    idle = {
      description         = "No heatmap job has waited or run for ${var.fleet.idle_minutes} minutes. Not a fault: this alarm ends the workers."
      comparison_operator = "LessThanThreshold"
      evaluation_periods  = var.fleet.idle_minutes
      treat_missing_data  = "breaching" # SQS stops reporting on a queue that is not used
    }
  }
}

resource "aws_autoscaling_policy" "backlog" {
  name                      = "backlog"
  autoscaling_group_name    = aws_autoscaling_group.workers.name
  policy_type               = "StepScaling"
  adjustment_type           = "ExactCapacity"
  metric_aggregation_type   = "Maximum"
  estimated_instance_warmup = 300

  dynamic "step_adjustment" {
    for_each = local.steps

    content {
      metric_interval_lower_bound = step_adjustment.value.lower
      metric_interval_upper_bound = step_adjustment.value.upper
      scaling_adjustment          = step_adjustment.value.capacity
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "backlog" {
  for_each = local.backlog_alarms

  alarm_name          = "${local.fleet_name}-${each.key}"
  alarm_description   = each.value.description
  comparison_operator = each.value.comparison_operator
  threshold           = 1 # job; the policy's steps count from here
  evaluation_periods  = each.value.evaluation_periods
  treat_missing_data  = each.value.treat_missing_data
  alarm_actions       = [aws_autoscaling_policy.backlog.arn]

  metric_query {
    id          = "backlog"
    label       = "Jobs waiting or in work"
    expression  = "waiting + in_work"
    return_data = true
  }

  dynamic "metric_query" {
    for_each = {
      waiting = "ApproximateNumberOfMessagesVisible"
      in_work = "ApproximateNumberOfMessagesNotVisible"
    }

    content {
      id = metric_query.key

      metric {
        namespace   = "AWS/SQS"
        metric_name = metric_query.value
        dimensions  = { QueueName = module.jobs.name }
        stat        = "Maximum"
        period      = 60
      }
    }
  }
}
