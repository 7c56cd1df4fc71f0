"""The `memorability` command: entry points over `model_store`."""
