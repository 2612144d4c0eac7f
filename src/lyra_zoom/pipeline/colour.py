"""Any colour a picture file can hold becomes 8-bit sRGB without alpha.

Transparent parts show white. Samples of more than 8 bits keep their tone: they are scaled,
never clipped. A colour profile is obeyed when it is small and whole, else ignored with a word.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from PIL import Image, ImageCms

from lyra_zoom.errors import InputRejected

Say: TypeAlias = Callable[[str], None]
"""Tells the person who asked something worth knowing."""

LARGEST_PROFILE_BYTES = 1 << 20
"""Camera profiles hold a few hundred bytes to 3 kB, printer profiles about half a megabyte."""

PAPER = "white"
"""What shows through transparent parts, in every colour space we keep."""

DEEP_GREY = {"I;16", "I;16B", "I;16L", "I;16N", "I", "F"}
"""Pillow's modes for one channel of more than 8 bits."""


def flatten(picture: Image.Image) -> Image.Image:
    """The picture in 8 bits without alpha, in its own colour space: mode L, RGB or CMYK."""
    if picture.mode in DEEP_GREY:
        return Image.fromarray(_eight_bits(np.asarray(picture)))
    if picture.has_transparency_data:
        return _on_paper(picture.convert("RGBA"))
    if picture.mode in ("L", "RGB", "CMYK"):
        return picture
    return picture.convert("L" if picture.mode == "1" else "RGB")


def to_srgb(flat: Image.Image, profile: bytes | None, say: Say) -> Image.Image:
    """An L, RGB or CMYK picture as sRGB, through its colour profile where that is usable."""
    converted = _through_profile(flat, profile, say) if profile else None
    return converted or flat.convert("RGB")


def _through_profile(flat: Image.Image, profile: bytes, say: Say) -> Image.Image | None:
    """The picture in sRGB, or None when the profile is unusable for it."""
    if len(profile) > LARGEST_PROFILE_BYTES:
        say(f"colour profile ignored: {len(profile)} bytes are too many")
        return None
    try:
        return ImageCms.profileToProfile(
            flat,
            ImageCms.ImageCmsProfile(io.BytesIO(profile)),
            ImageCms.createProfile("sRGB"),
            renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
            outputMode="RGB",
            flags=ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        say("colour profile ignored: it is broken or does not fit the picture")
        return None


def _on_paper(picture: Image.Image) -> Image.Image:
    """Laid over white; done before any resampling, so that no hidden colour bleeds out."""
    paper = Image.new("RGBA", picture.size, PAPER)
    return Image.alpha_composite(paper, picture).convert("RGB")


def _eight_bits(samples: np.ndarray) -> np.ndarray:
    """One deep channel scaled to 0-255 from the range its numbers suggest.

    Integers are 16-bit unless larger ones occur; floats are 0-1 unless larger ones occur, then
    0-255, 0-65535 or up to the largest.
    """
    values = np.nan_to_num(samples.astype(np.float32), nan=0.0, posinf=0.0, neginf=0.0)
    largest = float(values.max(initial=0.0))
    scales = (1.0, 255.0, 65535.0) if samples.dtype.kind == "f" else (65535.0,)
    white = next((scale for scale in scales if largest <= scale), largest)
    if white <= 0:
        raise InputRejected("image_url", "the picture holds no values", "image_load_error")
    return np.rint(np.clip(values / white, 0.0, 1.0) * 255).astype(np.uint8)
