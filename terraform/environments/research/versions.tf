terraform {
  required_version = ">= 1.11" # passwords that are never in the state: write-only arguments

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 6.0"
    }
  }

  # The state: a bucket made once by hand (docs/aws.md), named in backend.hcl:
  #   terraform init -backend-config=backend.hcl
  # The lock is a file beside the state, so that two people cannot apply at once.
  backend "s3" {
    key          = "music-assets/research/terraform.tfstate"
    encrypt      = true
    use_lockfile = true
  }
}

provider "aws" {
  region = var.region
  default_tags {
    tags = { project = var.name }
  }
}
