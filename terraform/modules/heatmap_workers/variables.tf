variable "prefix" {
  description = "Start of every name."
  type        = string
}

variable "fleet" {
  description = <<-EOT
    The workers, from min_size to max_size, one for every jobs_per_worker waiting jobs.
    instance_types in order of preference, all of one architecture. Types without a GPU work too, more slowly.
    on_demand_percent: the share that is bought at full price and is not interrupted; the rest is spot.
    idle_minutes without a job end all workers above min_size.
    image_ssm_parameter: public parameter that holds the newest Amazon Linux 2023 image with NVIDIA's driver.
  EOT
  type = object({
    instance_types      = optional(list(string), ["g6.xlarge", "g5.xlarge", "g4dn.xlarge"])
    min_size            = optional(number, 0)
    max_size            = optional(number, 4)
    jobs_per_worker     = optional(number, 50)
    on_demand_percent   = optional(number, 25)
    idle_minutes        = optional(number, 15)
    drain_seconds       = optional(number, 300)
    image_ssm_parameter = optional(string, "/aws/service/deeplearning/ami/x86_64/base-oss-nvidia-driver-gpu-amazon-linux-2023/latest/ami-id")
  })
  default  = {}
  nullable = false

  validation {
    condition     = length(var.fleet.instance_types) >= 1
    error_message = "fleet.instance_types needs at least one type; several find spot capacity more often."
  }

  validation {
    condition     = var.fleet.min_size >= 0 && var.fleet.min_size <= var.fleet.max_size
    error_message = "fleet.min_size must be between 0 and fleet.max_size."
  }

  validation {
    condition     = var.fleet.max_size >= 1 && var.fleet.max_size <= 19
    error_message = "fleet.max_size must be between 1 and 19: a scaling policy has 20 steps, and one is for the idle fleet."
  }

  validation {
    condition     = var.fleet.jobs_per_worker >= 1
    error_message = "fleet.jobs_per_worker must be at least 1."
  }

  validation {
    condition     = var.fleet.on_demand_percent >= 0 && var.fleet.on_demand_percent <= 100
    error_message = "fleet.on_demand_percent must be between 0 (all spot) and 100 (no spot)."
  }

  validation {
    condition     = var.fleet.idle_minutes >= 1 && var.fleet.idle_minutes <= 1440
    error_message = "fleet.idle_minutes must be between 1 and 1440 (a day)."
  }

  validation {
    condition     = var.fleet.drain_seconds >= 30 && var.fleet.drain_seconds <= 7200
    error_message = "fleet.drain_seconds must be between 30 and 7200, the limits of AWS."
  }
}

variable "runtime_digest" {
  description = "Digest of the dependency bundle on the volume that holds the worker (runtime/{digest}). Null: none is packaged yet, and no instance starts."
  type        = string

  validation {
    condition     = var.runtime_digest == null ? true : can(regex("^[0-9a-f]{64}$", var.runtime_digest))
    error_message = "runtime_digest must be a SHA-256 digest: 64 hexadecimal digits."
  }
}

variable "jobs" {
  description = "The queue: seconds for which a job is a worker's own unless it asks for more, and tries before it counts as failed."
  type = object({
    visibility_timeout_seconds = optional(number, 120)
    max_receives               = optional(number, 5)
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.jobs.visibility_timeout_seconds >= 30
    error_message = "jobs.visibility_timeout_seconds must be at least 30: a worker extends it while it works."
  }
}

variable "environment" {
  description = "Environment variables of the worker, beside those of this module. None may be a secret."
  type        = map(string)
}

variable "policy_json" {
  description = "What the worker may do with photos, heatmaps and results (an IAM policy). Queue, volume, log and fleet are added here."
  type        = string
}

variable "network" {
  description = "Private subnets and security groups that the workers run in."
  type = object({
    subnet_ids         = list(string)
    security_group_ids = list(string)
  })
}

variable "file_system" {
  description = "How the model volume is mounted, by its reading access point."
  type = object({
    file_system_id   = string
    file_system_arn  = string
    access_point_id  = string
    access_point_arn = string
    mount_path       = string
  })
}

variable "kms_key_arn" {
  description = "Key that encrypts the log."
  type        = string
}

variable "log_retention_days" {
  description = "Days for which the log is kept."
  type        = number
}

variable "tags" {
  description = "Tags of instances and their disks, which a provider's default tags do not reach."
  type        = map(string)
}

variable "require_tls" {
  description = "Refuse requests without TLS. False only for an emulator that listens on plain HTTP."
  type        = bool
  default     = true
}

variable "fleet_metrics" {
  description = "Count the group's instances in CloudWatch, for the dashboard. False only for an emulator that cannot."
  type        = bool
  default     = true
}
