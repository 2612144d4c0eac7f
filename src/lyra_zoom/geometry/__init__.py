"""Pure mathematics of cameras and pictures: no files, no clock, no models."""
