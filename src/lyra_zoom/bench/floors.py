"""The least that the machine itself needs: encoding alone, and one pass over a frame's memory.

A figure without its floor says nothing about the program: both are measured in the same run.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import av
import numpy as np

from lyra_zoom.geometry.image import RgbImage, Size
from lyra_zoom.pipeline.encode import Mp4Writer

MOST_FRAMES_HELD = 81
"""Frames kept in memory for the encoder; longer videos are scaled up, as encoding is linear."""

REPEATS = 2
"""The faster of two runs is the floor."""

BYTES_READ_PER_PIXEL = 2 * 4 * 1.5**2
"""Two layers of RGBA, each 1.5 times the video's width and height."""

BYTES_WRITTEN_PER_PIXEL = 3 * (4 + 4) + 3
"""A depth and a surface number for each of three layers, and the finished colour."""


def encoding_floor_s(film: Path, num_frames: int) -> float:
    """Seconds to encode the frames of a finished video again, with nothing else to do."""
    frames, rate = _frames_of(film)
    best = min(_encode_s(frames, rate) for _ in range(REPEATS))
    return best * num_frames / len(frames)


def memory_floor_s(size: Size, num_frames: int) -> float:
    """Seconds to read every texture and write every buffer of each frame once, on one core."""
    pixels = size.width * size.height
    source = np.ones(int(pixels * BYTES_READ_PER_PIXEL), np.uint8)
    target = np.zeros(int(pixels * BYTES_WRITTEN_PER_PIXEL), np.uint8)
    return num_frames * min(_pass_s(source, target) for _ in range(5))


def _pass_s(source: np.ndarray, target: np.ndarray) -> float:
    start = time.perf_counter()
    source.view(np.uint64).max()  # a reduction that vectorises: bound by memory
    target.fill(1)
    return time.perf_counter() - start


def _frames_of(film: Path) -> tuple[list[RgbImage], int]:
    with av.open(str(film)) as container:
        stream = container.streams.video[0]
        rate = round(float(stream.average_rate or 0))
        frames: list[RgbImage] = []
        for picture in container.decode(stream):
            frames.append(picture.to_ndarray(format="rgb24"))
            if len(frames) == MOST_FRAMES_HELD:
                break
    return frames, rate


def _encode_s(frames: list[RgbImage], rate: int) -> float:
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "floor.mp4"
        start = time.perf_counter()
        with Mp4Writer(target, Size.of(frames[0]), rate, len(frames)) as film:
            for frame in frames:
                film.write(frame)
        return time.perf_counter() - start
