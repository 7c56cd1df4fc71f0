"""Uploaded photos become score records."""
