"""The scene behind the example photograph: a harbour town in Blender's Python module."""
