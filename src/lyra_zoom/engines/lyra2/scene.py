"""What the lyra2 engine knows of a photograph: how the network sees it, and its depth."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from lyra_zoom.engines.lyra2.depth import FirstDepth
from lyra_zoom.engines.lyra2.opening import Opening
from lyra_zoom.geometry.camera import Intrinsics
from lyra_zoom.geometry.depth import subject_depth
from lyra_zoom.geometry.image import Plane, RgbImage, Size


@dataclass(frozen=True, slots=True, kw_only=True)
class Lyra2Scene:
    """A photograph with depth, on the CPU.

    `seen_depth` is what the network is shown: within [0, 1e4], sky far away.
    """

    picture: RgbImage
    K: Intrinsics
    image: Float[Tensor, "3 H W"]  # within [-1, 1]
    seen_depth: Float[Tensor, "H W"]
    valid: Bool[Tensor, "H W"]  # where there is a thing, not sky
    opening: Opening = field(default_factory=Opening, repr=False)

    @property
    def size(self) -> Size:
        """Size of the video."""
        return Size.of(self.picture)

    @property
    def depth(self) -> Plane:
        """Depth per pixel, `inf` for sky and where it is not known."""
        return np.where(self.valid.numpy(), self.seen_depth.numpy(), np.float32(np.inf))

    @property
    def subject_depth(self) -> float:
        """Depth D of what the photograph is about; that of the sky where all is sky."""
        valid = self.valid if bool(self.valid.any()) else torch.ones_like(self.valid)
        return subject_depth(self.seen_depth.numpy(), valid.numpy())


def as_image(picture: RgbImage) -> Float[Tensor, "3 H W"]:
    """A picture as networks see it, within [-1, 1]."""
    return torch.from_numpy(picture.astype(np.float32)).permute(2, 0, 1) / 127.5 - 1.0


def build_scene(
    picture: RgbImage, first: FirstDepth, K: Intrinsics, opening: Opening | None = None
) -> Lyra2Scene:
    """The scene of a photograph; picture, depth and K are of the video's size."""
    depth = first.depth.detach().cpu()
    return Lyra2Scene(
        picture=picture,
        K=K,
        image=as_image(picture),
        seen_depth=depth,
        valid=first.valid.detach().cpu() & (depth > 0),
        opening=opening or Opening(),
    )
