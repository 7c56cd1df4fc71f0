"""EfficientNet-Lite, a network for phones, as a student of larger ones."""
