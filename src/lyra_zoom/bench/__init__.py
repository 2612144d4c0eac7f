"""Measurements: how fast, how good, beside the floor."""
