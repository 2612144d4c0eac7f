"""Which pictures teach nothing: reasons to refuse one, from its geometry or its colours."""

from __future__ import annotations

import numpy as np

from training.blender.shards import Kind

MOST_SKY = 0.72
NEAR_SHARE = 0.3
"""Largest share of the picture that may lie nearer than the nearest sensible distance."""
LEAST_SPREAD = 0.12
"""Of disparity, 95th less 5th percentile in shares of the 95th: less is flat."""
MOST_BEHIND = 0.12
"""Largest share of solid surfaces seen from behind: above it the camera is inside something."""
MOST_OF_ONE = 0.93
DARK, DULL = 14.0, 7.0


def geometry_fault(
    depth: np.ndarray, kind: np.ndarray, behind: np.ndarray, nearest_m: float
) -> str | None:
    """Why a camera's view is useless, or None."""
    seen = np.isfinite(depth)
    if 1 - seen.mean() > MOST_SKY:
        return "sky"
    if ((depth < 3 * nearest_m) & (kind == Kind.PLANT)).mean() > NEAR_SHARE:
        return "leaves"
    if (depth < nearest_m).mean() > NEAR_SHARE or depth.min() < nearest_m / 6:
        return "blocked"
    solid = seen & (kind != Kind.PLANT)
    if (behind & solid).mean() > MOST_BEHIND:
        return "inside"
    disparity = np.where(seen, 1 / np.where(seen, depth, 1.0), 0.0)
    low, high = np.percentile(disparity, [5, 95])
    if high - low < LEAST_SPREAD * high:
        return "flat"
    counts = np.bincount(kind.ravel(), minlength=len(Kind)) / kind.size
    if counts.max() > MOST_OF_ONE:
        return "one kind"
    return None


def colour_fault(rgb: np.ndarray) -> str | None:
    """Why a rendered picture is useless, or None."""
    grey = rgb.astype(np.float32).mean(axis=2)
    if np.percentile(grey, 90) < DARK:
        return "dark"
    if grey.std() < DULL:
        return "dull"
    if np.percentile(grey, 10) > 245:
        return "white"
    return None
