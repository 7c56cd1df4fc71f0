"""What the published networks see of every photo, computed once and kept on disk."""
