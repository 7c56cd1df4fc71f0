"""ResMem, the published hit-rate model."""
