"""One module a group of commands; each parses, calls `model_store`, prints."""
