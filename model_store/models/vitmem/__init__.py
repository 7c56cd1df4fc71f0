"""ViTMem, a vision transformer, and the import of its published weights."""
