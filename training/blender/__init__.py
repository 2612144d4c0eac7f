"""Photo-like training pictures from seeds, by Blender's Python module: training/README.md."""
