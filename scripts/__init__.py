"""Commands for people who work on the project or deploy it."""
