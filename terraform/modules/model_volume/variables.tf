variable "prefix" {
  description = "Start of every name."
  type        = string
}

variable "network" {
  description = "Where the volume can be mounted: a VPC and private subnets of it, at most one a zone."
  type = object({
    vpc_id     = string
    subnet_ids = list(string)
  })

  validation {
    condition     = length(var.network.subnet_ids) >= 2
    error_message = "network.subnet_ids needs at least two subnets, in different zones: one zone is no protection against its loss."
  }
}

variable "artefacts_bucket_name" {
  description = "Name of the bucket that models and dependency bundles are uploaded to."
  type        = string
}

variable "publisher" {
  description = "The function, by its alias, that brings uploads to the volume."
  type = object({
    function_name = string
    alias_name    = string
    alias_arn     = string
  })
}

variable "kms_key_arn" {
  description = "Key that encrypts the volume and the bucket."
  type        = string
}

variable "backups" {
  description = "Daily backups of the volume by AWS Backup."
  type        = bool
  default     = true
}

variable "allow_destroy_of_data" {
  description = "Let `terraform destroy` delete the bucket together with what is in it."
  type        = bool
  default     = false
}

variable "require_tls" {
  description = "Refuse requests without TLS. False only for an emulator that listens on plain HTTP."
  type        = bool
  default     = true
}
