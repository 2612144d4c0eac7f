"""Lyra 2.0: frames from a diffusion model that remembers the scene it has drawn; needs torch."""
