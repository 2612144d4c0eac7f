"""Pictures and files made on the spot: good ones to decode, bad ones to refuse."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
from PIL import Image

from lyra_zoom.geometry.image import RgbImage, Size

SMALL = Size(320, 200)


def landscape(size: Size = SMALL) -> RgbImage:
    """A picture whose corners differ: sky above ground, a red left half, a soft texture."""
    x = np.arange(size.width, dtype=np.float32)
    y = np.arange(size.height, dtype=np.float32)[:, None]
    wave = 12 * np.sin(x / 9) * np.cos(y / 7)
    pixels = np.empty((size.height, size.width, 3), np.uint8)
    pixels[..., 0] = 40 + 150 * (x < size.width / 2) + wave
    pixels[..., 1] = 60 + 120 * y / size.height + wave
    pixels[..., 2] = 220 - 180 * y / size.height + wave
    return pixels


def encoded(
    pixels: np.ndarray, format_name: str, mode: str | None = None, **options: Any
) -> bytes:
    """The picture as a file of that format."""
    picture = Image.fromarray(pixels)
    if mode:
        picture = picture.convert(mode)
    file = io.BytesIO()
    picture.save(file, format_name, **options)
    return file.getvalue()


def png_chunk(kind: bytes, body: bytes) -> bytes:
    """One chunk of a PNG, with its checksum."""
    return (
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    )


def png_of_header(width: int, height: int, *extra: bytes) -> bytes:
    """A PNG that claims a size and holds hardly any pixels."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = zlib.compress(bytes(1000))
    return b"".join([
        b"\x89PNG\r\n\x1a\n",
        png_chunk(b"IHDR", header),
        *extra,
        png_chunk(b"IDAT", body),
        png_chunk(b"IEND", b""),
    ])  # fmt: skip


def jpeg_of_header(width: int, height: int) -> bytes:
    """A real small JPEG whose frame header claims another size."""
    data = encoded(landscape(), "JPEG")
    start = data.index(b"\xff\xc0")
    return data[: start + 5] + struct.pack(">HH", height, width) + data[start + 9 :]


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    """Peak signal to noise ratio in decibels of two 8-bit pictures."""
    error = np.mean((a.astype(np.float64) - b) ** 2)
    return float(10 * np.log10(255**2 / max(error, 1e-9)))
