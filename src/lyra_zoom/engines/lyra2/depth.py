"""How far away things are in a picture: the port that every depth model stands behind.

The engine asks twice: once for the photograph alone, and between chunks for new frames whose
cameras it knows. Depth is z along the optical axis. What the photograph's depth is measured in
becomes the unit of the whole scene; later depths must be in the units of the given cameras.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol, TypeAlias

import torch.nn.functional as F  # noqa: N812  # its name everywhere
from jaxtyping import Bool, Float
from torch import Tensor

from lyra_zoom.engines.lyra2.projection import Cameras
from lyra_zoom.engines.lyra2.warp import PosedDepth, sane_depth

KNOWN_BELOW = 999.9
"""Scene units; the depth of what is farther is not believed."""

ENOUGH_PIXELS = 10
"""So many must be known to both models, and more, before one is scaled to the other."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstDepth:
    """What a model sees in the photograph; K where it guesses the camera, too."""

    depth: Float[Tensor, "H W"]
    valid: Bool[Tensor, "H W"]
    K: Float[Tensor, "3 3"] | None = None


KnownDepth: TypeAlias = Sequence[PosedDepth]
"""What earlier frames have left: depth that is settled, and the cameras it was seen by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewFrames:
    """Frames that were drawn, the cameras they were drawn for, and what is known already."""

    frames: Float[Tensor, "V 3 H W"]  # within [-1, 1]
    cameras: Cameras
    known: KnownDepth = ()

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the frames."""
        return self.frames.shape[2], self.frames.shape[3]


class DepthEstimator(Protocol):
    """A depth model, or several working together."""

    def first(self, image: Float[Tensor, "3 H W"]) -> FirstDepth:
        """Depth of the photograph, within [-1, 1], in units of the model's choice."""

    def update(self, new: NewFrames) -> Float[Tensor, "V H W"]:
        """Depth of new frames, in the units of the cameras given with them."""


class MetricDepth(Protocol):
    """A model that knows metres, such as MoGe."""

    def __call__(self, image: Float[Tensor, "3 H W"]) -> FirstDepth:
        """Depth of a picture within [-1, 1], in metres, and where it is to be believed."""


def believed(depth: Float[Tensor, "H W"], K: Float[Tensor, "3 3"] | None = None) -> FirstDepth:
    """A model's depth with what is wrong in it put far away and marked as unknown."""
    depth = sane_depth(depth)
    return FirstDepth(depth=depth, valid=depth < KNOWN_BELOW, K=K)


def resized(depth: Float[Tensor, "V h w"], height: int, width: int) -> Float[Tensor, "V H W"]:
    """Depth maps at another size, bilinear, centre-aligned."""
    planes = F.interpolate(
        depth[:, None], (height, width), mode="bilinear", align_corners=False
    )
    return planes[:, 0]


def in_metres(first: FirstDepth, metric: FirstDepth) -> FirstDepth:
    """The same depth in the units of a metric model; its shape and camera stay.

    Unchanged where the two have too little in common. Source: Lyra 2.0 specification, 1.4.
    """
    both = first.valid & metric.valid.to(first.valid.device)
    ours = 1.0 / (first.depth[both] + 1e-6)
    theirs = 1.0 / (metric.depth.to(first.depth)[both] + 1e-6)
    weight = float((ours * ours).sum())
    scale = float((ours * theirs).sum()) / weight if weight > 1e-8 else 0.0
    if len(ours) <= ENOUGH_PIXELS or scale <= 1e-6:
        logger.warning("depth keeps its own unit: too little is known to both models")
        return first
    logger.info("depth in metres factor=%.4g", 1 / scale)
    return replace(first, depth=first.depth / scale)


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricallyScaled:
    """A depth model whose first depth is brought to metres by another model."""

    estimator: DepthEstimator
    metric: MetricDepth

    def first(self, image: Float[Tensor, "3 H W"]) -> FirstDepth:
        """Depth of the photograph in metres, shaped by the estimator."""
        return in_metres(self.estimator.first(image), self.metric(image))

    def update(self, new: NewFrames) -> Float[Tensor, "V H W"]:
        """The estimator's own answer: the cameras carry the units already."""
        return self.estimator.update(new)
