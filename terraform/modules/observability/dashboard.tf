data "aws_region" "current" {}

locals {
  region = data.aws_region.current.name

  # Metrics as [namespace, name, dimension, value, …, options], CloudWatch's own notation.
  score_metric = { for name in ["PhotosScored", "PhotosFailed", "PhotosFaulted", "ScoreTime", "ModelTime"] :
    name => [var.metric_namespace, name, "service", var.functions.score]
  }
  cold_starts = [for name in values(var.functions) :
    [var.metric_namespace, "ColdStart", "function_name", name, "service", name, { label = name }]
  ]
  lambda_metric = { for metric in ["Duration", "Errors", "Throttles", "ConcurrentExecutions", "Invocations"] :
    metric => [for name in values(var.functions) : ["AWS/Lambda", metric, "FunctionName", name, { label = "${name} ${metric}" }]]
  }
  request_fault_metrics = [for fault in values(local.request_faults) :
    [var.metric_namespace, "RequestsFaulted", "service", fault.service, { label = "${fault.service} answered by 500 or 503" }]
  ]
  efs_metric = { for metric in ["DataReadIOBytes", "DataWriteIOBytes"] :
    metric => ["AWS/EFS", metric, "FileSystemId", var.file_system_id]
  }
  table_metric = { for metric in ["ConsumedReadCapacityUnits", "ConsumedWriteCapacityUnits"] :
    metric => ["AWS/DynamoDB", metric, "TableName", var.results_table_name]
  }
  worker_metrics = [for metric in ["GroupDesiredCapacity", "GroupInServiceInstances"] :
    ["AWS/AutoScaling", metric, "AutoScalingGroupName", var.worker_fleet_name]
    if var.worker_fleet_name != null
  ]
  queue_metric = { for metric in ["ApproximateAgeOfOldestMessage", "ApproximateNumberOfMessagesVisible"] :
    metric => { for what, name in merge(var.work_queues, var.failure_queues) :
      what => ["AWS/SQS", metric, "QueueName", name, { label = what }]
    }
  }

  graphs = [
    {
      title   = "Photos a minute"
      stat    = "Sum"
      period  = 60
      metrics = [for name in ["PhotosScored", "PhotosFailed", "PhotosFaulted"] : local.score_metric[name]]
    },
    {
      title  = "Seconds to score a call's photos"
      stat   = "p50"
      period = 60
      metrics = concat(
        [for stat in ["p50", "p95", "Maximum"] : concat(local.score_metric["ScoreTime"], [{ stat = stat, label = stat }])],
        [concat(local.score_metric["ModelTime"], [{ label = "p50 in the networks" }])],
      )
    },
    {
      title   = "Cold starts"
      stat    = "Sum"
      period  = 300
      metrics = local.cold_starts
    },
    {
      title   = "Failures"
      stat    = "Maximum"
      period  = 300
      metrics = [for what, name in var.failure_queues : local.queue_metric["ApproximateNumberOfMessagesVisible"][what]]
    },
    {
      title   = "Errors and throttles"
      stat    = "Sum"
      period  = 300
      metrics = concat(local.lambda_metric["Errors"], local.lambda_metric["Throttles"], local.request_fault_metrics)
    },
    {
      title   = "Oldest waiting work, seconds"
      stat    = "Maximum"
      period  = 60
      metrics = [for what, name in var.work_queues : local.queue_metric["ApproximateAgeOfOldestMessage"][what]]
    },
    {
      title   = "Heatmap workers"
      stat    = "Maximum"
      period  = 60
      metrics = local.worker_metrics
    },
    {
      title   = "Containers at work"
      stat    = "Maximum"
      period  = 60
      metrics = local.lambda_metric["ConcurrentExecutions"]
    },
    {
      title   = "Volume, bytes read and written"
      stat    = "Sum"
      period  = 60
      metrics = values(local.efs_metric)
    },
    {
      title   = "Cost driver: function time, milliseconds"
      stat    = "Sum"
      period  = 3600
      metrics = local.lambda_metric["Duration"]
    },
    {
      title   = "Cost driver: calls"
      stat    = "Sum"
      period  = 3600
      metrics = local.lambda_metric["Invocations"]
    },
    {
      title   = "Cost driver: table requests"
      stat    = "Sum"
      period  = 3600
      metrics = values(local.table_metric)
    },
  ]
}

resource "aws_cloudwatch_dashboard" "overview" {
  dashboard_name = var.prefix

  dashboard_body = jsonencode({
    widgets = [for index, graph in [for graph in local.graphs : graph if length(graph.metrics) > 0] : {
      type   = "metric"
      x      = 8 * (index % 3)
      y      = 6 * floor(index / 3)
      width  = 8
      height = 6
      properties = {
        title   = graph.title
        region  = local.region
        view    = "timeSeries"
        stat    = graph.stat
        period  = graph.period
        metrics = graph.metrics
      }
    }]
  })
}
