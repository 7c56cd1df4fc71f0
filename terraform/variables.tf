variable "prefix" {
  description = "Start of every name. Deployments with different prefixes live side by side in one account."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,18}[a-z0-9]$", var.prefix))
    error_message = "prefix must have 3 to 20 lower-case letters, digits and hyphens, start with a letter and not end with a hyphen."
  }
}

variable "tags" {
  description = "Tags of everything, beside `application` and `deployment`, which are always set."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = length(setintersection(keys(var.tags), ["application", "deployment"])) == 0
    error_message = "tags must not set application or deployment: the budget counts by them."
  }
}

variable "lambda_packages_file" {
  description = "The manifest that `make package-lambdas` writes beside the zips, with their hashes."
  type        = string

  validation {
    condition     = fileexists(var.lambda_packages_file)
    error_message = "lambda_packages_file does not exist; run `make package-lambdas` first."
  }

  validation {
    condition = try(alltrue([
      for key in ["score", "publish", "runtime"] : contains(keys(jsondecode(file(var.lambda_packages_file))), key)
    ]), true)
    error_message = "lambda_packages_file must hold at least score, publish and runtime; run `make package-lambdas` again."
  }
}

variable "architecture" {
  description = "Processor of the functions: x86_64 or arm64, as the packages were built."
  type        = string
  default     = "x86_64"

  validation {
    condition     = contains(["x86_64", "arm64"], var.architecture)
    error_message = "architecture must be \"x86_64\" or \"arm64\"."
  }
}

variable "network" {
  description = "The VPC to make: its IPv4 range and how many zones it spans. Unused with existing_network."
  type = object({
    cidr_block = optional(string, "10.40.0.0/16")
    zone_count = optional(number, 2)
  })
  default  = {}
  nullable = false
}

variable "existing_network" {
  description = <<-EOT
    A VPC of your own, in place of a new one: private subnets in different zones, and security groups that let
    functions and workers call S3, DynamoDB, SQS, CloudWatch Logs and EC2 Auto Scaling over HTTPS.
  EOT
  type = object({
    vpc_id             = string
    subnet_ids         = list(string)
    security_group_ids = list(string)
  })
  default = null

  validation {
    condition     = var.existing_network == null ? true : length(var.existing_network.subnet_ids) >= 2 && length(var.existing_network.security_group_ids) >= 1
    error_message = "existing_network needs at least two subnets, in different zones, and at least one security group."
  }
}

variable "score_trigger" {
  description = "How an upload reaches the scorer: through a `queue`, which keeps bursts from starting a container a photo, or `direct`."
  type        = string
  default     = "queue"

  validation {
    condition     = contains(["queue", "direct"], var.score_trigger)
    error_message = "score_trigger must be \"queue\" or \"direct\"."
  }
}

variable "score" {
  description = <<-EOT
    The scoring function. New accounts allow at most 3008 MiB; more memory is also more processor.
    batch_size: photos in one call. max_concurrency: calls at once. Both count with score_trigger = "queue".
    reserved_concurrency and provisioned_concurrency count against the account's quota.
  EOT
  type = object({
    memory_mib              = optional(number, 3008)
    timeout_seconds         = optional(number, 60)
    batch_size              = optional(number, 5)
    max_concurrency         = optional(number, 5)
    reserved_concurrency    = optional(number)
    provisioned_concurrency = optional(number, 0)
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.score.reserved_concurrency == null ? true : var.score.reserved_concurrency >= var.score.max_concurrency || var.score_trigger == "direct"
    error_message = "score.reserved_concurrency below score.max_concurrency would throttle the queue's calls until photos land in the failure queue."
  }
}

variable "publish" {
  description = "The publishing function. It compiles models, and unpacks the dependency bundle by way of /tmp. keep_versions: versions of a model that stay on the volume. reserved_concurrency: 1 lets publications wait for each other; at once they do no harm."
  type = object({
    memory_mib            = optional(number, 3008)
    timeout_seconds       = optional(number, 900)
    ephemeral_storage_mib = optional(number, 2048)
    keep_versions         = optional(number, 3)
    reserved_concurrency  = optional(number)
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.publish.keep_versions >= 2
    error_message = "publish.keep_versions must be at least 2: the version in use and one to go back to."
  }
}

variable "api" {
  description = "The API function and the requests a second that it takes. Used once its package exists."
  type = object({
    memory_mib              = optional(number, 512)
    timeout_seconds         = optional(number, 15)
    provisioned_concurrency = optional(number, 0)
    requests_per_second     = optional(number, 50)
    burst                   = optional(number, 100)
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.api.timeout_seconds <= 29
    error_message = "api.timeout_seconds must be at most 29: API Gateway gives up after 30 seconds."
  }
}

variable "page" {
  description = <<-EOT
    The page. directory: folder with its files (null: web/ of the repository). domain: its own host name and certificate (ACM in
    us-east-1). additional_origins: origins beside its own that users may sign in from, such as a developer's.
  EOT
  type = object({
    directory          = optional(string)
    additional_origins = optional(list(string), [])
    domain = optional(object({
      name            = string
      certificate_arn = string
    }))
  })
  default  = {}
  nullable = false
}

variable "heatmap_workers" {
  description = <<-EOT
    Workers that compute heatmaps, on spot and on-demand instances with a GPU. Null: none, and no queue for them.
    What is left out has the defaults of modules/heatmap_workers, which also says what each is.
  EOT
  type = object({
    instance_types             = optional(list(string))
    min_size                   = optional(number)
    max_size                   = optional(number)
    jobs_per_worker            = optional(number)
    on_demand_percent          = optional(number)
    idle_minutes               = optional(number)
    drain_seconds              = optional(number)
    image_ssm_parameter        = optional(string)
    visibility_timeout_seconds = optional(number)
    max_receives               = optional(number)
  })
  default = {}
}

variable "image_limits" {
  description = "Largest photo that is scored: bytes of the file, and width times height."
  type = object({
    max_bytes  = optional(number, 25000000)
    max_pixels = optional(number, 50000000)
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.image_limits.max_bytes >= 1 && var.image_limits.max_pixels >= 1
    error_message = "image_limits must be at least 1 byte and 1 pixel."
  }
}

variable "retention_days" {
  description = "Days for which photos, records, heatmaps and logs are kept."
  type = object({
    uploads  = optional(number, 90)
    records  = optional(number, 365)
    heatmaps = optional(number, 90)
    logs     = optional(number, 30)
  })
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for days in values(var.retention_days) : days >= 1])
    error_message = "retention_days must each be at least 1."
  }

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.retention_days.logs)
    error_message = "retention_days.logs must be one of CloudWatch's steps: 1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, …"
  }
}

variable "log_level" {
  description = "What functions and workers write to their logs."
  type        = string
  default     = "INFO"

  validation {
    condition     = contains(["DEBUG", "INFO", "WARNING", "ERROR"], var.log_level)
    error_message = "log_level must be DEBUG, INFO, WARNING or ERROR."
  }
}

variable "alarm_emails" {
  description = "Addresses that alarms are sent to. Each must confirm a mail from AWS first."
  type        = list(string)
  default     = []
  nullable    = false
}

variable "budget" {
  description = "US dollars a month that the deployment should cost at most, and who is told at 80 % and when 100 % is forecast. Null: no budget."
  type = object({
    monthly_usd = number
    emails      = list(string)
  })
  default = null
}

variable "allow_destroy_of_data" {
  description = "Let `terraform destroy` delete photos, results, models, heatmaps and users. False stops it before them."
  type        = bool
  default     = false
  nullable    = false
}

variable "emulator" {
  description = <<-EOT
    Gaps of an AWS emulator, each switched off by its name. Leave it out on AWS.
    plain_http: it listens on plain HTTP, so that policies that demand TLS would refuse every request.
    path_style_s3: buckets cannot be reached by host name, because BUCKET.127.0.0.1 is none.
    store_directory: it mounts no EFS; functions find the store in this folder of the machine instead.
    no_fleet_metrics: it does not know EnableMetricsCollection, which turns an Auto Scaling group's own metrics on.
    endpoint_url: it listens there and has no names in the DNS, so that API, sign-in and page have other addresses.
    batch_rights: it has rights of their own for SQS's batch requests, which AWS gives with those for single ones.
    no_prefix_lists: it forgets the prefix list of a security group's rule, over which a second plan stumbles.
  EOT
  type = object({
    plain_http       = optional(bool, false)
    path_style_s3    = optional(bool, false)
    store_directory  = optional(string)
    endpoint_url     = optional(string)
    no_fleet_metrics = optional(bool, false)
    batch_rights     = optional(bool, false)
    no_prefix_lists  = optional(bool, false)
  })
  default  = {}
  nullable = false
}
