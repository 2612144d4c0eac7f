"""Batches for training: crops of shard pictures, made to look like many cameras took them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from training.sources import Blender, RayCast, Sample, Source


def photographed(rgb: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A uint8 picture with another exposure, colour, contrast, blur, noise, compression."""
    x = rgb.astype(np.float32) / 255
    x = x ** np.exp(rng.normal(0, 0.22)) * np.exp(rng.normal(0.05, 0.2))
    x = x * np.exp(rng.normal(0, 0.07, 3)).astype(np.float32)
    grey = x.mean(axis=2, keepdims=True)
    x = grey + (x - grey) * (
        0.0 if rng.random() < 0.06 else np.float32(np.exp(rng.normal(0, 0.3)))
    )
    middle = x.mean()
    x = (
        middle
        + (x - middle) * np.float32(np.exp(rng.normal(0.1, 0.22)))
        + np.float32(rng.normal(0, 0.03))
    )
    if rng.random() < 0.35:
        x = cv2.GaussianBlur(x, (0, 0), rng.uniform(0.3, 1.4))
    if rng.random() < 0.6:
        x = x + rng.normal(0, rng.uniform(0.003, 0.04), x.shape).astype(np.float32)
    if rng.random() < 0.1:
        h, w = x.shape[:2]
        v, u = np.mgrid[0:h, 0:w].astype(np.float32)
        far = np.hypot(u / w - 0.5, v / h - 0.5)[..., None]
        x = x * (1 - rng.uniform(0.2, 0.8) * far)
    y = np.clip(x * 255, 0, 255).astype(np.uint8)
    if rng.random() < 0.4:
        quality = int(rng.integers(25, 95))
        y = cv2.imdecode(cv2.imencode(".jpg", y, [cv2.IMWRITE_JPEG_QUALITY, quality])[1], 1)
    return y


def cropped(sample: Sample, shape: tuple[int, int], rng: np.random.Generator) -> Sample:
    """A random window, at least two thirds as wide as can be, at the wanted shape.

    Normals become those that a camera would see whose axis goes through the window's middle:
    disparity stays the affine function of the pixel that the normal says (a shear of space).
    """
    h, w = sample.disparity.shape
    fit = min(w / shape[1], h / shape[0])
    share = rng.uniform(0.66, 1.0) if rng.random() < 0.6 else 1.0
    cw, ch = int(shape[1] * fit * share), int(shape[0] * fit * share)
    x, y = rng.integers(w - cw + 1), rng.integers(h - ch + 1)
    off = ((x + cw / 2 - w / 2) / sample.focal_px, (y + ch / 2 - h / 2) / sample.focal_px)
    mirror = rng.random() < 0.5

    def cut(plane: np.ndarray, how: int) -> np.ndarray:
        window = plane[y : y + ch, x : x + cw]
        window = np.ascontiguousarray(window[:, ::-1] if mirror else window)
        return cv2.resize(window, shape[::-1], interpolation=how)

    normal = cut(sheared(sample.normal, off), cv2.INTER_NEAREST)
    if mirror:
        normal[..., 0] *= -1
    return replace(
        sample,
        rgb=cut(sample.rgb, cv2.INTER_AREA),
        disparity=cut(sample.disparity, cv2.INTER_NEAREST),
        normal=normal,
        ground=cut(sample.ground, cv2.INTER_NEAREST),
    )


def sheared(normal: np.ndarray, off: tuple[float, float]) -> np.ndarray:
    """Normals seen from a camera whose axis is moved by `off`, in focal lengths; 0 stays 0."""
    turned = normal.astype(np.float32).copy()
    turned[..., 2] += normal[..., 0] * off[0] + normal[..., 1] * off[1]
    length = np.linalg.norm(turned, axis=-1, keepdims=True)
    return turned / np.maximum(length, 1e-6)


def prepared(disparity: np.ndarray) -> np.ndarray:
    """Disparity clipped at its 99.5th percentile, mean 1 over what is not sky."""
    clipped = np.minimum(disparity, np.percentile(disparity, 99.5))
    solid = clipped[clipped > 0]
    return clipped / (solid.mean() if solid.size else 1.0)


class Batch(NamedTuple):
    """Pictures (B, 3, H, W) uint8 and what is true of them, float32.

    `disparity` (B, 1, H, W) has mean 1 outside the sky, `normal` (B, 3, H, W) is 0 where it is
    unknown, `ground` (B, 1, H, W) is -1 there.
    """

    images: np.ndarray
    disparity: np.ndarray
    normal: np.ndarray
    ground: np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True)
class Mixture:
    """Folders of pictures, how often Blender's come up, pictures per batch, pixels of each."""

    ray_cast: Path | None
    blender: Path | None
    blender_share: float = 0.5
    count: int
    area: int


def batches(mixture: Mixture, seed: int) -> Iterator[Batch]:
    """Endless batches, each from one shard."""
    rng = np.random.default_rng(seed)
    sources: list[Source] = [RayCast(f) for f in [mixture.ray_cast] if f is not None]
    sources += [Blender(f) for f in [mixture.blender] if f is not None]
    while True:
        wanted = int(rng.random() < mixture.blender_share) if len(sources) > 1 else 0
        samples = sources[wanted].draw(mixture.count, rng) or sources[0].draw(
            mixture.count, rng
        )
        if not samples:
            raise FileNotFoundError(f"no shards in {mixture.ray_cast or mixture.blender}")
        yield batch_of(samples, mixture.area, rng)


def batch_of(samples: list[Sample], area: int, rng: np.random.Generator) -> Batch:
    """The samples' windows at one random shape of about `area` pixels."""
    height, width = samples[0].disparity.shape
    aspect = width / height * np.exp(rng.uniform(-0.15, 0.15))
    pixels = area * np.exp(rng.uniform(-0.4, 0.4))
    rows, columns = (
        max(96, round(np.sqrt(pixels * k) / 32) * 32) for k in (1 / aspect, aspect)
    )
    cuts = [cropped(sample, (rows, columns), rng) for sample in samples]
    return Batch(
        images=np.stack([photographed(cut.rgb, rng).transpose(2, 0, 1) for cut in cuts]),
        disparity=np.stack([prepared(cut.disparity)[None] for cut in cuts]),
        normal=np.stack([cut.normal.transpose(2, 0, 1) for cut in cuts]),
        ground=np.stack([cut.ground[None] for cut in cuts]),
    )
