"""Weights of the lyra2 engine: fetched, converted, checked; the engine only loads them."""
