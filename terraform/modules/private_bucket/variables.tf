variable "name" {
  description = "Name of the bucket. Bucket names are global, so the caller derives it from the account and the region."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", var.name))
    error_message = "A bucket name has 3 to 63 lower-case letters, digits and hyphens, and starts and ends with a letter or digit."
  }
}

variable "kms_key_arn" {
  description = "Key that encrypts the objects. Null encrypts with S3's own key (SSE-S3), for objects that are public anyway."
  type        = string
}

variable "expire_after_days" {
  description = "Days after which an object is deleted. Null keeps objects for ever."
  type        = number
  default     = null

  validation {
    condition     = var.expire_after_days == null ? true : var.expire_after_days >= 1
    error_message = "expire_after_days must be at least 1; use null to keep objects."
  }
}

variable "noncurrent_days" {
  description = "Days for which an overwritten or deleted version can still be brought back."
  type        = number
  default     = 7

  validation {
    condition     = var.noncurrent_days >= 1
    error_message = "noncurrent_days must be at least 1."
  }
}

variable "policy_documents" {
  description = "Further bucket policies (JSON), merged with the one that demands TLS."
  type        = list(string)
  default     = []
}

variable "require_tls" {
  description = "Refuse requests without TLS. False only for an emulator that listens on plain HTTP."
  type        = bool
  default     = true
}

variable "allow_destroy_of_data" {
  description = "Let `terraform destroy` delete the bucket together with what is in it."
  type        = bool
  default     = false
}
