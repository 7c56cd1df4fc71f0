"""The networks: one folder an architecture, its maths apart from the import of its published weights."""
