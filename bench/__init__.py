"""Measurements: each claim of speed or size, beside what others use."""
