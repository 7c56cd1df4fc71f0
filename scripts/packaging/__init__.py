"""Builds what AWS Lambda runs: reproducible zips of our code, and the bundle of dependencies that no zip can hold."""
