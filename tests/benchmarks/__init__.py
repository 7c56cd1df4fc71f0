"""Measurements, each printed as a ratio to a peer of the same run; none can fail a test run."""
