"""Heads that `memorability train` puts on published networks."""
