terraform {
  required_version = ">= 1.11"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"
    }
  }
}

# Region and credentials come from the environment, as with the AWS CLI.
provider "aws" {
  default_tags {
    tags = { application = "memorability", deployment = var.prefix }
  }
}
