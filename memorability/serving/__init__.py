"""Scores over HTTP from a machine of your own, with the conventions of a SageMaker container."""
