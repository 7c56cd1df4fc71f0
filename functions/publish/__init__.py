"""Uploaded models and bundles of dependencies become part of the volume."""
