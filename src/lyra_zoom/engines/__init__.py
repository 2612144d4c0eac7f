"""Engines turn a photograph and a camera path into frames."""
