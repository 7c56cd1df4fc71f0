variable "prefix" {
  description = "Start of every name."
  type        = string
}

variable "cidr_block" {
  description = "IPv4 range of the VPC, /16 to /22. Each zone's subnet takes a sixteenth of it."
  type        = string

  validation {
    condition     = can(cidrhost(var.cidr_block, 0)) && contains(range(16, 23), try(tonumber(split("/", var.cidr_block)[1]), 0))
    error_message = "cidr_block must be an IPv4 range from /16 to /22, such as 10.40.0.0/16."
  }
}

variable "zone_count" {
  description = "Availability zones, each with one private subnet."
  type        = number

  validation {
    condition     = contains([2, 3, 4], var.zone_count)
    error_message = "zone_count must be 2, 3 or 4: one zone is no protection against its loss."
  }
}

variable "interface_endpoints" {
  description = "AWS services, apart from S3 and DynamoDB, that are called from inside, such as sqs. Each costs money by the hour and zone."
  type        = set(string)

  validation {
    condition     = length(setintersection(var.interface_endpoints, ["s3", "dynamodb"])) == 0
    error_message = "s3 and dynamodb have gateway endpoints, which cost nothing; leave them out of interface_endpoints."
  }
}

variable "kms_key_arn" {
  description = "Key that encrypts the flow log."
  type        = string
}

variable "log_retention_days" {
  description = "Days for which the log of refused connections is kept."
  type        = number
}

variable "prefix_lists" {
  description = "Rules of security groups may name the prefix lists of S3 and DynamoDB. False only for an emulator that forgets them."
  type        = bool
  default     = true
}
