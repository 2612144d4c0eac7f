"""Points and pixels of many cameras at once, in float32 on any device.

The torch side of `geometry/camera.py`. The network was trained on two pixel grids under one K:
the rays of `rays.py` go through pixel centres at half integers, as everywhere in this program;
warps and the spatial memory put centres at integers, half a pixel off. Both are kept, and the
constants here say which. Products are written out, because matrix kernels may round to TF32.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from lyra_zoom.geometry.camera import CameraPath

RAY_CENTRE = 0.5
WARP_CENTRE = 0.0

CPU = torch.device("cpu")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cameras:
    """Cameras in the order of their frames: float32, on the CPU unless they are moved."""

    w2c: Float[Tensor, "F 4 4"]
    K: Float[Tensor, "F 3 3"]

    @classmethod
    def of(cls, path: CameraPath) -> Cameras:
        """The cameras of a path."""
        return cls(
            w2c=torch.from_numpy(path.w2c.astype(np.float32)),
            K=torch.from_numpy(path.K.astype(np.float32)),
        )

    def on(self, device: torch.device) -> Cameras:
        """The same, on a device."""
        return Cameras(w2c=self.w2c.to(device), K=self.K.to(device))

    def __len__(self) -> int:
        return len(self.w2c)

    def __getitem__(self, frames: slice | list[int]) -> Cameras:
        return Cameras(w2c=self.w2c[frames], K=self.K[frames])


def c2w_of(w2c: Float[Tensor, "*F 4 4"]) -> Float[Tensor, "*F 4 4"]:
    """Camera to world, by transposing the rotation."""
    rotation = w2c[..., :3, :3].transpose(-1, -2)
    centre_world = -(rotation @ w2c[..., :3, 3:])
    c2w = torch.zeros_like(w2c)
    c2w[..., :3, :3] = rotation
    c2w[..., :3, 3:] = centre_world
    c2w[..., 3, 3] = 1.0
    return c2w


def pixel_grid(
    height: int, width: int, *, centre: float, device: torch.device
) -> Float[Tensor, "H W 3"]:
    """Homogeneous image coordinates (x, y, 1) of every pixel's centre."""
    x = torch.arange(width, device=device, dtype=torch.float32) + centre
    y = torch.arange(height, device=device, dtype=torch.float32) + centre
    return torch.stack(
        [
            x[None, :].expand(height, width),
            y[:, None].expand(height, width),
            torch.ones(height, width, device=device),
        ],
        dim=-1,
    )


def multiply(
    matrix: Float[Tensor, "*F 3 3"], points: Float[Tensor, "*B H W 3"]
) -> Float[Tensor, "*G H W 3"]:
    """Every matrix times every point; B is F or nothing."""
    columns = matrix[..., None, None, :, :].unbind(-1)
    x, y, z = points[..., 0:1], points[..., 1:2], points[..., 2:3]
    return columns[0] * x + columns[1] * y + columns[2] * z


def unproject(
    depth: Float[Tensor, "H W"], w2c: Float[Tensor, "4 4"], K: Float[Tensor, "3 3"]
) -> Float[Tensor, "H W 3"]:
    """World points under the pixels of a depth map, whose centres are at integers.

    Pixels without depth become points at the world's origin, as in the reference.
    """
    grid = pixel_grid(*depth.shape, centre=WARP_CENTRE, device=depth.device)
    K_inverse = torch.linalg.inv(K.to(CPU)).to(depth.device)
    c2w = c2w_of(w2c.to(CPU)).to(depth.device)
    points_cam = multiply(K_inverse, grid) * depth[..., None]
    points_world = multiply(c2w[:3, :3], points_cam) + c2w[:3, 3]
    return torch.where(depth[..., None] > 0, points_world, 0.0)


def project(
    points_world: Float[Tensor, "H W 3"],
    w2c: Float[Tensor, "V 4 4"],
    K: Float[Tensor, "V 3 3"],
) -> Float[Tensor, "V H W 3"]:
    """Homogeneous pixels (u z, v z, z) of world points, as every camera sees them."""
    w2c, K = w2c.to(points_world.device), K.to(points_world.device)
    points_cam = multiply(w2c[:, :3, :3], points_world) + w2c[:, None, None, :3, 3]
    return multiply(K, points_cam)
