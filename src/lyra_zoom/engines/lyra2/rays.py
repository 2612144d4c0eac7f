"""Where every pixel looks: ray maps, the coordinates of remembered pixels, and their packing.

Source: Lyra 2.0 specification, 5.5 and 5.6. Rays are an origin and a unit direction, not
Plücker moments.
"""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import pixel_unshuffle

from lyra_zoom.engines.lyra2.config import PIXELS_PER_LATENT
from lyra_zoom.engines.lyra2.projection import CPU, RAY_CENTRE, multiply, pixel_grid


def ray_map(
    K: Float[Tensor, "V 3 3"], c2w: Float[Tensor, "V 4 4"], height: int, width: int
) -> Float[Tensor, "V H W 6"]:
    """Origin and unit direction of the ray through every pixel, in the frame `c2w` leads to."""
    device = c2w.device
    grid = pixel_grid(height, width, centre=RAY_CENTRE, device=device)
    K_inverse = torch.linalg.inv(K.to(CPU)).to(device)
    direction = multiply(c2w[:, :3, :3], multiply(K_inverse, grid))
    direction = direction / direction.norm(dim=-1, keepdim=True)
    origin = c2w[:, None, None, :3, 3].expand_as(direction)
    return torch.cat([origin, direction], dim=-1)


def canonical_coords(
    slots: int, height: int, width: int, device: torch.device = CPU
) -> Float[Tensor, "S 3 H W"]:
    """The name of every remembered pixel: x, y and slot, each from -1 to 1."""
    x = torch.linspace(-1, 1, width, device=device)
    y = torch.linspace(-1, 1, height, device=device)
    slot = torch.linspace(-1, 1, slots, device=device)
    shape = (slots, height, width)
    return torch.stack(
        [
            x[None, None, :].expand(shape),
            y[None, :, None].expand(shape),
            slot[:, None, None].expand(shape),
        ],
        dim=1,
    )


def space_to_depth(planes: Float[Tensor, "*B C H W"]) -> Float[Tensor, "*B D h w"]:
    """Pixels of one latent side by side as channels, D = 64 C, the plane varying slowest."""
    return pixel_unshuffle(planes, PIXELS_PER_LATENT)
