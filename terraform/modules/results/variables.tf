variable "prefix" {
  description = "Start of every name."
  type        = string
}

variable "heatmaps_bucket_name" {
  description = "Name of the bucket for heatmaps."
  type        = string
}

variable "heatmap_retention_days" {
  description = "Days for which heatmaps are kept."
  type        = number

  validation {
    condition     = var.heatmap_retention_days >= 1
    error_message = "heatmap_retention_days must be at least 1."
  }
}

variable "allowed_origins" {
  description = "Web origins whose pages may show heatmaps, such as https://example.org. Empty: none."
  type        = list(string)
  default     = []

  validation {
    condition     = !contains(var.allowed_origins, "*")
    error_message = "allowed_origins must name the origins; \"*\" would let any page on the web use a leaked link."
  }
}

variable "kms_key_arn" {
  description = "Key that encrypts table and bucket."
  type        = string
}

variable "allow_destroy_of_data" {
  description = "Let `terraform destroy` delete the table and the bucket together with what is in them."
  type        = bool
  default     = false
}

variable "require_tls" {
  description = "Refuse requests without TLS. False only for an emulator that listens on plain HTTP."
  type        = bool
  default     = true
}
