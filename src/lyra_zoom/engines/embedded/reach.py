"""How far a camera path moves the picture: what decides how finely a scene must be cut."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lyra_zoom.engines.embedded.scene import EmbeddedScene
from lyra_zoom.geometry.camera import CameraPath, Intrinsics, Pixels, project, unproject
from lyra_zoom.geometry.rigid import Rigid

SEPARATION_PX = 4.0  # sides that part by less than this stay joined
LEAST_STEP, LARGEST_STEP = 0.05, 0.12  # D / depth
SAMPLED_FRAMES = 9
SAMPLED_PIXELS = (24, 14)  # across and down
NEARER = 0.01  # of a disparity: the small difference whose effect is measured
IN_FRONT = 0.1  # of D: nearer to the lens than this nothing is looked at closely


@dataclass(frozen=True, slots=True)
class Reach:
    """What a difference in disparity does on screen, in pixels per unit of D / depth.

    `parallax_px`: how far two points of one pixel part, one near, one far. `sensitivity_px`:
    how far a point moves for a small error of its own disparity, where that is largest; what
    comes close to the lens is magnified.
    """

    parallax_px: float
    sensitivity_px: float

    @property
    def step(self) -> float:
        """Difference of D / depth from which two neighbouring pixels are cut apart."""
        return float(
            np.clip(SEPARATION_PX / max(self.parallax_px, 1), LEAST_STEP, LARGEST_STEP)
        )


def reach_of(path: CameraPath, scene: EmbeddedScene) -> Reach:
    """The largest effects over a sample of frames and of pixels that stay in view."""
    columns, rows = SAMPLED_PIXELS
    x = ((np.arange(columns) + 0.5) / columns * scene.size.width).astype(int)
    y = ((np.arange(rows) + 0.5) / rows * scene.size.height).astype(int)
    grid_x, grid_y = np.meshgrid(x, y)
    pixels = np.stack([grid_x, grid_y], -1).reshape(-1, 2) + 0.5
    own = scene.disparity[grid_y, grid_x].reshape(-1).astype(np.float64)
    near, far = (np.full_like(own, d) for d in np.quantile(scene.disparity, [0.95, 0.05]))
    frames = np.unique(np.linspace(0, len(path) - 1, SAMPLED_FRAMES).astype(int))
    views = [(path.w2c[i], path.K[i]) for i in frames]
    parallax = max(_apart(scene, pixels, (near, far), view) for view in views)
    sensitivity = max(_apart(scene, pixels, (own * (1 + NEARER), own), view) for view in views)
    return Reach(parallax, sensitivity)


def _apart(
    scene: EmbeddedScene,
    pixels: Pixels,
    disparities: tuple[np.ndarray, np.ndarray],
    view: tuple[Rigid, Intrinsics],
) -> float:
    """The largest distance on screen between points at two disparities, per unit of these."""
    a, b = (
        project(unproject(pixels, scene.subject_depth / disparity, scene.K), *view)
        for disparity in disparities
    )
    centred = a[:, :2] / [scene.size.width, scene.size.height] - 0.5
    in_view = (a[:, 2] > IN_FRONT * scene.subject_depth) & (np.abs(centred) < 0.6).all(1)
    difference = np.abs(disparities[0] - disparities[1])
    counts = in_view & (difference > 1e-6)
    if not counts.any():
        return 0.0
    apart = np.linalg.norm(a[counts, :2] - b[counts, :2], axis=1)
    return float((apart / difference[counts]).max())
