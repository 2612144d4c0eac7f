"""What a depth map says of a photograph as a whole."""

from __future__ import annotations

import numpy as np

from lyra_zoom.errors import InputRejected
from lyra_zoom.geometry.image import Mask, Plane

NEAR_QUANTILE = 0.25
"""The subject is nearer than most of what surrounds it. Source: Lyra 2.0 specification, 1."""


def subject_depth(depth: Plane, valid: Mask) -> float:
    """Depth D of what the photograph is about: a quarter of its finite depth is nearer."""
    known = depth[valid & np.isfinite(depth) & (depth > 0)]
    if known.size == 0:
        raise InputRejected("image_url", "nothing in the photograph has a known distance")
    return float(np.quantile(known.astype(np.float64), NEAR_QUANTILE))
