"""FalseResMem, the published false-alarm model."""
