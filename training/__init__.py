"""Trains heads over the published networks on a team's own photos and scores, and measures them honestly."""
