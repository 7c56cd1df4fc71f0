"""Fits heads to features: the basis, the readouts, their regularisation and their calibration."""
