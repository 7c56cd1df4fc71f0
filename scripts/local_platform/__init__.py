"""The platform on this machine: the same Terraform and the same packages as on AWS, applied to an emulator."""
