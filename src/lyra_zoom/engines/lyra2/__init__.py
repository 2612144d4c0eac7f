"""Lyra 2.0: frames from a diffusion model that remembers what it has drawn; needs torch."""
