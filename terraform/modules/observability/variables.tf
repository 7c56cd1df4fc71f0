variable "prefix" {
  description = "Start of every name."
  type        = string
}

variable "metric_namespace" {
  description = "CloudWatch namespace that the functions and workers write their metrics to."
  type        = string
}

variable "functions" {
  description = "Names of the functions by purpose: score, publish and, where there is one, api."
  type        = map(string)

  validation {
    condition     = length(setsubtract(["score", "publish"], keys(var.functions))) == 0
    error_message = "functions must name at least score and publish."
  }
}

variable "work_queues" {
  description = "Names of the queues that hold work, by what waits in them."
  type        = map(string)
}

variable "failure_queues" {
  description = "Names of the queues that hold failures, by what failed."
  type        = map(string)
}

variable "worker_fleet_name" {
  description = "Name of the heatmap workers' auto scaling group. Null: there are none."
  type        = string
}

variable "file_system_id" {
  description = "The model volume."
  type        = string
}

variable "results_table_name" {
  description = "The table of results."
  type        = string
}

variable "alarm_emails" {
  description = "Addresses that alarms are sent to. Each must confirm a mail from AWS first."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for address in var.alarm_emails : can(regex("^[^@\\s]+@[^@\\s]+$", address))])
    error_message = "alarm_emails must be e-mail addresses."
  }
}

variable "budget" {
  description = "US dollars a month that the deployment should cost at most, and who is told at 80 % and when 100 % is forecast. Null: no budget."
  type = object({
    monthly_usd = number
    emails      = list(string)
  })
  default = null

  validation {
    condition     = var.budget == null ? true : var.budget.monthly_usd > 0 && length(var.budget.emails) > 0
    error_message = "budget needs a monthly_usd above 0 and at least one address in emails."
  }
}

variable "longest_wait_minutes" {
  description = "Minutes that work may wait in a queue before it raises an alarm."
  type        = number
  default     = 15

  validation {
    condition     = var.longest_wait_minutes >= 1
    error_message = "longest_wait_minutes must be at least 1."
  }
}

variable "kms_key_arn" {
  description = "Key that encrypts alarms on their way."
  type        = string
}
