"""Batches for training: crops of shard pictures, made to look like many cameras took them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np


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


def cropped(
    rgb: np.ndarray, disparity: np.ndarray, shape: tuple[int, int], rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """A random window, at least two thirds as wide as can be, at the wanted shape."""
    h, w = disparity.shape
    fit = min(w / shape[1], h / shape[0])
    share = rng.uniform(0.66, 1.0) if rng.random() < 0.6 else 1.0
    cw, ch = int(shape[1] * fit * share), int(shape[0] * fit * share)
    x, y = rng.integers(w - cw + 1), rng.integers(h - ch + 1)
    a, b = rgb[y : y + ch, x : x + cw], disparity[y : y + ch, x : x + cw]
    if rng.random() < 0.5:
        a, b = a[:, ::-1], b[:, ::-1]
    a = cv2.resize(np.ascontiguousarray(a), shape[::-1], interpolation=cv2.INTER_AREA)
    b = cv2.resize(np.ascontiguousarray(b), shape[::-1], interpolation=cv2.INTER_NEAREST)
    return a, b


def prepared(disparity: np.ndarray) -> np.ndarray:
    """Disparity clipped at its 99.5th percentile, mean 1 over what is not sky."""
    clipped = np.minimum(disparity, np.percentile(disparity, 99.5))
    solid = clipped[clipped > 0]
    return clipped / (solid.mean() if solid.size else 1.0)


def batches(
    folder: Path, count: int, area: int, seed: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Endless batches (B, 3, H, W) uint8 and (B, 1, H, W) float32, of about `area` pixels each.

    Shards that appear in the folder later are used as soon as they are there, new ones first.
    """
    rng = np.random.default_rng(seed)
    uses: dict[Path, float] = {}
    while True:
        shards = sorted(folder.glob("*.rgb.npy"))
        weights = np.array([0.75 ** min(uses.get(s, 0), 12) + 0.02 for s in shards])
        shard = shards[rng.choice(len(shards), p=weights / weights.sum())]
        rgb = np.load(shard, mmap_mode="r")
        disparity = np.load(
            shard.with_name(shard.name.replace(".rgb.", ".disparity.")), mmap_mode="r"
        )
        uses[shard] = uses.get(shard, 0.0) + count / len(rgb)
        aspect = rgb.shape[2] / rgb.shape[1] * np.exp(rng.uniform(-0.15, 0.15))
        pixels = area * np.exp(rng.uniform(-0.4, 0.4))
        shape = tuple(
            max(96, round(np.sqrt(pixels * k) / 32) * 32) for k in (1 / aspect, aspect)
        )
        chosen = rng.choice(len(rgb), count, replace=False)
        pairs = [cropped(rgb[i], disparity[i].astype(np.float32), shape, rng) for i in chosen]
        images = np.stack([photographed(a, rng) for a, _ in pairs]).transpose(0, 3, 1, 2)
        yield np.ascontiguousarray(images), np.stack([prepared(b) for _, b in pairs])[:, None]
