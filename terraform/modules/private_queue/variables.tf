variable "name" {
  description = "Name of the queue."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9_-]{1,80}$", var.name))
    error_message = "A queue name has 1 to 80 letters, digits, hyphens and underscores."
  }
}

variable "visibility_timeout_seconds" {
  description = "Seconds for which a received message is hidden from other consumers."
  type        = number
  default     = 30

  validation {
    condition     = var.visibility_timeout_seconds >= 0 && var.visibility_timeout_seconds <= 43200
    error_message = "SQS hides a message for at most 43200 seconds (12 hours)."
  }
}

variable "retention_days" {
  description = "Days for which a message waits before SQS drops it."
  type        = number
  default     = 4

  validation {
    condition     = var.retention_days >= 1 && var.retention_days <= 14
    error_message = "SQS keeps a message for at most 14 days."
  }
}

variable "redrive" {
  description = "Where a message goes after it was received max_receives times without being deleted. Null: nowhere."
  type = object({
    queue_arn    = string
    queue_url    = string
    max_receives = number
  })
  default = null

  validation {
    condition     = var.redrive == null ? true : var.redrive.max_receives >= 1 && var.redrive.max_receives <= 1000
    error_message = "redrive.max_receives must be between 1 and 1000."
  }
}

variable "senders" {
  description = "AWS services of this account that may send: the service's principal and the ARN on whose behalf it sends."
  type = list(object({
    service    = string
    source_arn = string
  }))
  default = []
}

variable "require_tls" {
  description = "Refuse requests without TLS. False only for an emulator that listens on plain HTTP."
  type        = bool
  default     = true
}
