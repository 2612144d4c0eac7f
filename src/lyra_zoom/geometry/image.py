"""Sizes, array types and resampling of pictures; knows nothing of files or cameras."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import cv2
import numpy as np
from jaxtyping import Bool, Float32, UInt8

RgbImage: TypeAlias = UInt8[np.ndarray, "H W 3"]
"""sRGB, 0 to 255."""

RgbFloat: TypeAlias = Float32[np.ndarray, "H W 3"]
"""sRGB (not linear light), 0 to 1."""

Plane: TypeAlias = Float32[np.ndarray, "H W"]
"""One number per pixel: depth, disparity, alpha. The name says which."""

Mask: TypeAlias = Bool[np.ndarray, "H W"]
"""Yes or no per pixel."""


@dataclass(frozen=True, slots=True)
class Size:
    """Width and height of a picture in pixels; arrays of it are `(height, width, ...)`."""

    width: int
    height: int

    @classmethod
    def of(cls, array: np.ndarray) -> Size:
        """The size of a picture held in an array."""
        return cls(array.shape[1], array.shape[0])

    @property
    def aspect(self) -> float:
        """Width divided by height."""
        return self.width / self.height

    def scaled(self, factor: float) -> Size:
        """This size times `factor`, rounded, at least one pixel each way."""
        return Size(max(1, round(self.width * factor)), max(1, round(self.height * factor)))


def resize(array: np.ndarray, size: Size) -> np.ndarray:
    """The picture at another size, centre-aligned: area average down, bilinear up."""
    if Size.of(array) == size:
        return array
    shrinks = size.width < array.shape[1]
    how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return cv2.resize(array, (size.width, size.height), interpolation=how)


def mean_around(values: Plane, weight: Plane, radius_px: int) -> Plane:
    """Weighted mean over a square window; the own value where the window weighs nothing."""
    window = (2 * radius_px + 1, 2 * radius_px + 1)
    total = cv2.blur(weight, window)
    mean = cv2.blur(values * weight, window) / np.maximum(total, 1e-4)
    return np.where(total > 1e-4, mean, values).astype(np.float32)
