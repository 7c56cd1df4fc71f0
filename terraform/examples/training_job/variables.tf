variable "prefix" {
  description = "Start of every name, of the training jobs as well: the role writes no other job's log."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,18}[a-z0-9]$", var.prefix))
    error_message = "prefix must have 3 to 20 lower-case letters, digits and hyphens, start with a letter and not end with a hyphen."
  }
}

variable "image_tag" {
  description = "Tag of the image in the repository that the job runs. Tags are never moved: push another one to change it."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$", var.image_tag)) && var.image_tag != "latest"
    error_message = "image_tag must be a tag of its own, such as a release or a commit, and not \"latest\"."
  }
}

variable "job" {
  description = "The machine of a job. volume_gib: room for photos, decoded photos and checkpoints. max_hours: after which it is stopped; a spot job may wait as long again for capacity."
  type = object({
    instance_type = optional(string, "ml.g5.xlarge")
    volume_gib    = optional(number, 100)
    max_hours     = optional(number, 12)
  })
  default  = {}
  nullable = false

  validation {
    condition     = startswith(var.job.instance_type, "ml.")
    error_message = "job.instance_type must be one of SageMaker's, which begin with \"ml.\"."
  }

  validation {
    condition     = var.job.max_hours >= 1 && var.job.max_hours <= 120 && var.job.volume_gib >= 20
    error_message = "job.max_hours must be 1 to 120 (SageMaker stops a job after five days at most) and job.volume_gib at least 20."
  }
}

variable "keep_days" {
  description = "Days for which results and checkpoints are kept. Fetch what you want to publish before."
  type        = number
  default     = 30

  validation {
    condition     = var.keep_days >= 1
    error_message = "keep_days must be at least 1."
  }
}

variable "allow_destroy_of_data" {
  description = "Let `terraform destroy` delete photos, results and images."
  type        = bool
  default     = false
}
