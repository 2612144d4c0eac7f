"""Generated scenes with true colour, depth and normals from any camera.

They serve twice: as training pictures in quantity, and as a judge of rendered views. Only
numpy, numba and `lyra_zoom.geometry` are used; nothing is read from disk.
"""
