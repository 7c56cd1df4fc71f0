variable "name" {
  description = "Name of the function, of its role and of its log group."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9_-]{1,64}$", var.name))
    error_message = "A function's name has 1 to 64 letters, digits, hyphens and underscores."
  }
}

variable "description" {
  description = "What the function does, in a sentence."
  type        = string
}

variable "handler" {
  description = "Module and function that Lambda calls, such as functions.score.handler.handle."
  type        = string
}

variable "package" {
  description = "A zip that is built already, and the base64 of its SHA-256: a changed hash deploys it."
  type = object({
    path          = string
    sha256_base64 = string
  })

  validation {
    condition     = can(regex("^[A-Za-z0-9+/]{43}=$", var.package.sha256_base64))
    error_message = "package.sha256_base64 must be the base64 of a SHA-256 digest: 44 characters."
  }
}

variable "architecture" {
  description = "Processor that the package was built for."
  type        = string

  validation {
    condition     = contains(["x86_64", "arm64"], var.architecture)
    error_message = "architecture must be \"x86_64\" or \"arm64\"."
  }
}

variable "memory_mib" {
  description = "Memory, and with it processor time: 1769 MiB are one processor."
  type        = number

  validation {
    condition     = var.memory_mib >= 128 && var.memory_mib <= 10240
    error_message = "memory_mib must be between 128 and 10240."
  }
}

variable "timeout_seconds" {
  description = "Seconds after which a call is ended."
  type        = number

  validation {
    condition     = var.timeout_seconds >= 1 && var.timeout_seconds <= 900
    error_message = "timeout_seconds must be between 1 and 900."
  }
}

variable "ephemeral_storage_mib" {
  description = "Room in /tmp."
  type        = number
  default     = 512

  validation {
    condition     = var.ephemeral_storage_mib >= 512 && var.ephemeral_storage_mib <= 10240
    error_message = "ephemeral_storage_mib must be between 512 and 10240."
  }
}

variable "environment" {
  description = "Environment variables. None may be a secret."
  type        = map(string)
}

variable "policy_json" {
  description = "What the function's code may do (an IAM policy). Logs, traces, network and volume are added here."
  type        = string
}

variable "network" {
  description = "Private subnets and security groups that the function runs in."
  type = object({
    subnet_ids         = list(string)
    security_group_ids = list(string)
  })
}

variable "file_system" {
  description = "Access point of the volume, where it is mounted, and whether the function may write to it."
  type = object({
    file_system_arn  = string
    access_point_arn = string
    writable         = bool
    mount_path       = string
  })

  validation {
    condition     = can(regex("^/mnt/[A-Za-z0-9._-]+$", var.file_system.mount_path))
    error_message = "file_system.mount_path must be a folder directly under /mnt, as Lambda demands."
  }
}

variable "concurrency" {
  description = "Containers kept for this function alone (reserved, null: none) and containers kept warm (provisioned, 0: none). Both count against the account's quota."
  type = object({
    reserved    = optional(number)
    provisioned = optional(number, 0)
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.concurrency.reserved == null ? true : var.concurrency.reserved >= 1
    error_message = "concurrency.reserved must be at least 1: 0 would stop the function; use null to reserve nothing."
  }

  validation {
    condition = (
      var.concurrency.provisioned >= 0
      && (var.concurrency.reserved == null ? true : var.concurrency.provisioned <= var.concurrency.reserved)
    )
    error_message = "concurrency.provisioned must be 0 or more, and at most concurrency.reserved."
  }
}

variable "on_failure" {
  description = "For a function that is called asynchronously: the queue for events that it failed to handle, and the retries before. Null for others."
  type = object({
    queue_arn             = string
    retries               = optional(number, 2)
    max_event_age_seconds = optional(number, 21600)
  })
  default = null

  validation {
    condition     = var.on_failure == null ? true : contains([0, 1, 2], var.on_failure.retries)
    error_message = "on_failure.retries must be 0, 1 or 2, the limits of AWS."
  }

  validation {
    condition     = var.on_failure == null ? true : var.on_failure.max_event_age_seconds >= 60 && var.on_failure.max_event_age_seconds <= 21600
    error_message = "on_failure.max_event_age_seconds must be between 60 and 21600 (6 hours)."
  }
}

variable "kms_key_arn" {
  description = "Key that encrypts the log and the environment."
  type        = string
}

variable "log_retention_days" {
  description = "Days for which the log is kept."
  type        = number
}

variable "alarm_topic_arn" {
  description = "SNS topic that the alarms go to."
  type        = string
}
