"""Textures: a picture with alpha and its smaller copies, laid out for the sampling kernels."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32, UInt8

from lyra_zoom.engines.embedded.texel_kernels import PAD, Pyramid
from lyra_zoom.engines.embedded.vector_kernels import CHANNELS
from lyra_zoom.geometry.image import RgbImage, Size

LEVELS = 4  # sizes 1, 1/2, 1/4, 1/8


@dataclass(frozen=True, slots=True)
class Texture:
    """A premultiplied RGBA picture as a mip pyramid.

    Texture coordinates are pixels of the full size with centres at half integers; at level n
    they are divided by 2^n exactly, whether or not the size could be.
    """

    pyramid: Pyramid
    size: Size
    alpha: UInt8[np.ndarray, "H W"]
    """Of the full size; what decides in the depth buffer whether a texel is there at all."""

    @classmethod
    def of_premultiplied(
        cls,
        rgba: UInt8[np.ndarray, "H W 4"] | Float32[np.ndarray, "H W 4"],
        levels: int = LEVELS,
    ) -> Texture:
        """The texture of a picture whose colours are already multiplied by alpha.

        uint8 is 0 to 255, float32 is 0 to 1.
        """
        bytes_ = rgba if rgba.dtype == np.uint8 else _to_bytes(rgba * np.float32(255))
        pictures = [bytes_]
        while len(pictures) < levels:
            pictures.append(_halved(pictures[-1]))
        alpha = np.ascontiguousarray(bytes_[..., 3])
        return cls(_packed(pictures), Size.of(bytes_), alpha)

    @classmethod
    def opaque(cls, rgb: RgbImage, levels: int = LEVELS) -> Texture:
        """The texture of a picture without alpha."""
        full = np.full((*rgb.shape[:2], 1), 255, np.uint8)
        return cls.of_premultiplied(np.concatenate([rgb, full], axis=2), levels)

    def picture(self) -> RgbImage:
        """Its colours at full size, multiplied by alpha."""
        padded = (self.size.height + 2 * PAD, self.size.width + 2 * PAD, CHANNELS)
        texels = self.pyramid.texels[: math.prod(padded)].reshape(padded)
        return np.ascontiguousarray(texels[PAD:-PAD, PAD:-PAD, :3])


def _to_bytes(values: np.ndarray) -> np.ndarray:
    return (np.clip(values, 0, 255) + np.float32(0.5)).astype(np.uint8)


def _halved(picture: np.ndarray) -> np.ndarray:
    """Means of 2x2 pixels; an odd last row or column counts twice."""
    height, width = picture.shape[:2]
    even = np.pad(picture, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
    summed = even[0::2].astype(np.uint16) + even[1::2]
    return ((summed[:, 0::2] + summed[:, 1::2] + 2) >> 2).astype(np.uint8)


def _packed(pictures: list[np.ndarray]) -> Pyramid:
    """All levels in one array, each with `PAD` repeated texels around it."""
    padded = [np.pad(p, ((PAD, PAD), (PAD, PAD), (0, 0)), mode="edge") for p in pictures]
    starts = np.cumsum([0] + [p.size for p in padded[:-1]])
    places = [(start, p.shape[1] * CHANNELS) for start, p in zip(starts, padded, strict=True)]
    limits = [(p.shape[1], p.shape[0]) for p in pictures]
    texels = np.concatenate([p.ravel() for p in padded])
    return Pyramid(texels, np.array(places, np.int64), np.array(limits, np.float32))
