variable "prefix" {
  description = "Start of every name; aws, amazon and cognito must not be in it."
  type        = string

  validation {
    condition     = length(regexall("aws|amazon|cognito", var.prefix)) == 0
    error_message = "prefix must not contain aws, amazon or cognito: Cognito keeps them to itself in the names of sign-in pages, which begin with the prefix."
  }
}

variable "api" {
  description = "The function behind the HTTP API, by its alias."
  type = object({
    function_name = string
    alias_name    = string
    alias_arn     = string
    invoke_arn    = string
  })
}

variable "throttle" {
  description = "Requests a second that the API takes in the long run (rate) and at once (burst), from all callers together."
  type = object({
    rate  = optional(number, 50)
    burst = optional(number, 100)
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.throttle.rate > 0 && var.throttle.burst > 0
    error_message = "throttle.rate and throttle.burst must be above 0."
  }
}

variable "page" {
  description = "Folder with the page's files (null: none yet), name of the bucket for them, and origins beside the page's own that users may sign in from, such as a developer's."
  type = object({
    directory          = optional(string)
    bucket_name        = string
    additional_origins = optional(list(string), [])
  })

  validation {
    condition     = var.page.directory == null ? true : fileexists("${var.page.directory}/index.html")
    error_message = "page.directory has no index.html."
  }

  validation {
    condition     = alltrue([for origin in var.page.additional_origins : can(regex("^https?://[^/*]+$", origin))])
    error_message = "page.additional_origins must be origins such as https://example.org: scheme and host, no path, no wildcard."
  }
}

variable "domain" {
  description = "The page's own host name and its certificate (ACM, in us-east-1 as CloudFront demands). Null: CloudFront's name."
  type = object({
    name            = string
    certificate_arn = string
  })
  default = null

  validation {
    condition     = var.domain == null ? true : can(regex(":acm:us-east-1:", var.domain.certificate_arn))
    error_message = "domain.certificate_arn must be a certificate of ACM in us-east-1, the only region CloudFront reads them from."
  }
}

variable "has_heatmap_workers" {
  description = "Whether heatmaps can be asked for. Where there are no workers, the page offers those alone that come with the scores."
  type        = bool
}

variable "storage_hosts" {
  description = "Host names of the buckets that the page uploads to and shows pictures from."
  type        = list(string)
}

variable "kms_key_arn" {
  description = "Key that encrypts the API's log."
  type        = string
}

variable "log_retention_days" {
  description = "Days for which the API's log is kept."
  type        = number
}

variable "allow_destroy_of_data" {
  description = "Let `terraform destroy` delete the users and the page."
  type        = bool
  default     = false
}

variable "require_tls" {
  description = "Refuse requests without TLS. False only for an emulator that listens on plain HTTP."
  type        = bool
  default     = true
}

variable "emulator_url" {
  description = "Where an emulator listens, such as http://127.0.0.1:4566. Null on AWS."
  type        = string
  default     = null

  validation {
    condition     = var.emulator_url == null ? true : can(regex("^http://[^/]+:[0-9]+$", var.emulator_url))
    error_message = "emulator_url must be scheme, host and port, such as http://127.0.0.1:4566."
  }
}
