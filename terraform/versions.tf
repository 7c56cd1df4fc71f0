terraform {
  required_version = ">= 1.11"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.100"
    }
  }

  # Where the state lies is each team's own matter: `terraform init -backend-config=FILE`.
  backend "s3" {}
}

# Region and credentials come from the environment, as with the AWS CLI.
provider "aws" {
  s3_use_path_style = var.emulator.path_style_s3

  default_tags {
    tags = local.tags
  }
}
