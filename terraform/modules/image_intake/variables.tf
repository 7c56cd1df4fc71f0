variable "prefix" {
  description = "Start of every name."
  type        = string
}

variable "bucket_name" {
  description = "Name of the bucket that photos are uploaded to."
  type        = string
}

variable "kms_key_arn" {
  description = "Key that encrypts the photos."
  type        = string
}

variable "scorer" {
  description = "The function, by its alias, that scores a photo."
  type = object({
    function_name = string
    alias_name    = string
    alias_arn     = string
  })
}

# Apart from the scorer, whose role names the queue that this shapes.
variable "scorer_timeout_seconds" {
  description = "Time-out of the scorer."
  type        = number

  validation {
    condition     = var.scorer_timeout_seconds >= 1 && var.scorer_timeout_seconds <= 900
    error_message = "scorer_timeout_seconds must be between 1 and 900."
  }
}

variable "score_trigger" {
  description = "How an upload reaches the scorer: through a `queue`, which keeps bursts from starting a container a photo, or `direct`."
  type        = string

  validation {
    condition     = contains(["queue", "direct"], var.score_trigger)
    error_message = "score_trigger must be \"queue\" or \"direct\"."
  }
}

variable "queue" {
  description = "How the queue feeds the scorer: photos in one call, and calls at once. Unused with score_trigger = \"direct\"."
  type = object({
    batch_size      = number
    max_concurrency = number
    max_receives    = optional(number, 5)
  })

  validation {
    condition     = var.queue.batch_size >= 1 && var.queue.batch_size <= 10
    error_message = "queue.batch_size must be between 1 and 10."
  }

  validation {
    condition     = var.queue.max_concurrency >= 2 && var.queue.max_concurrency <= 1000
    error_message = "queue.max_concurrency must be between 2 and 1000, the limits of AWS."
  }
}

variable "allowed_origins" {
  description = "Web origins whose pages may upload and show photos, such as https://example.org. Empty: none."
  type        = list(string)
  default     = []

  validation {
    condition     = !contains(var.allowed_origins, "*")
    error_message = "allowed_origins must name the origins; \"*\" would let any page on the web use a leaked link."
  }
}

variable "retention_days" {
  description = "Days for which photos are kept."
  type        = number

  validation {
    condition     = var.retention_days >= 1
    error_message = "retention_days must be at least 1."
  }
}

variable "allow_destroy_of_data" {
  description = "Let `terraform destroy` delete the bucket together with the photos in it."
  type        = bool
  default     = false
}

variable "require_tls" {
  description = "Refuse requests without TLS. False only for an emulator that listens on plain HTTP."
  type        = bool
  default     = true
}
