"""How far a camera path moves the picture: what decides how finely a scene must be cut."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lyra_zoom.engines.embedded.scene import EmbeddedScene
from lyra_zoom.geometry.camera import CameraPath, project, unproject

SEPARATION_PX = 4.0  # sides that part by less than this stay joined
LEAST_STEP, LARGEST_STEP = 0.03, 0.12  # D / depth
SAMPLED_FRAMES = 9
SAMPLED_PIXELS = (7, 5)


@dataclass(frozen=True, slots=True)
class Reach:
    """How far two points of one pixel part, per unit of D / depth between them."""

    parallax_px: float

    @property
    def step(self) -> float:
        """Difference of D / depth from which two neighbouring pixels are cut apart."""
        return float(
            np.clip(SEPARATION_PX / max(self.parallax_px, 1), LEAST_STEP, LARGEST_STEP)
        )


def reach_of(path: CameraPath, scene: EmbeddedScene) -> Reach:
    """The largest parallax over a sample of frames and pixels that stay in view."""
    near, far = np.quantile(scene.disparity, [0.95, 0.05])
    if near - far < 1e-3:
        return Reach(0.0)
    columns, rows = SAMPLED_PIXELS
    size = scene.size
    x = (np.arange(columns) + 0.5) / columns * size.width
    y = (np.arange(rows) + 0.5) / rows * size.height
    pixels = np.stack(np.meshgrid(x, y), -1).reshape(-1, 2)
    largest = 0.0
    for frame in np.linspace(0, len(path) - 1, min(SAMPLED_FRAMES, len(path))).astype(int):
        seen = [
            project(
                unproject(
                    pixels, np.full(len(pixels), scene.subject_depth / disparity), scene.K
                ),
                path.w2c[frame],
                path.K[frame],
            )
            for disparity in (near, far)
        ]
        apart = np.linalg.norm(seen[0][:, :2] - seen[1][:, :2], axis=1)
        inside = (seen[0][:, 2] > 0.1 * scene.subject_depth) & (
            np.abs(seen[0][:, :2] / [size.width, size.height] - 0.5) < 0.6
        ).all(1)
        if inside.any():
            largest = max(largest, float(apart[inside].max()))
    return Reach(largest / float(near - far))
