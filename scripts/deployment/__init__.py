"""The platform in an AWS account: `make plan`, `make deploy`, `make destroy`."""
