"""Stands in for the platform: API, storage and sign-in over real HTTP, so that every state can be driven exactly."""
