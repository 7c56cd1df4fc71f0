"""Trains all of a published network on a team's photos, from the published parameters on."""
