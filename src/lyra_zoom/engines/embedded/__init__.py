"""The default engine: a layered scene from one photograph, rendered on the CPU."""
