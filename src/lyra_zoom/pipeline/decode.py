"""Stage 1 of 5: the bytes of a photograph become upright sRGB pixels of the video's aspect.

Every limit is decided from the file's header, before pixels are decoded. Only the formats named
here are ever parsed, and only the first picture of a file. Knows nothing of depth or cameras.
"""

from __future__ import annotations

import importlib
import importlib.util
import io
import math
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageFile

from lyra_zoom.engines.engine import Photo
from lyra_zoom.errors import InputRejected
from lyra_zoom.geometry.image import RgbImage, Size
from lyra_zoom.pipeline.colour import Say, flatten, to_srgb
from lyra_zoom.pipeline.exif import CameraFacts, read_camera_facts, upright

PLUGINS = {
    "JPEG": "JpegImagePlugin",
    "PNG": "PngImagePlugin",
    "WEBP": "WebPImagePlugin",
    "AVIF": "AvifImagePlugin",
    "GIF": "GifImagePlugin",
    "TIFF": "TiffImagePlugin",
}
"""The formats we parse, and the only decoders of Pillow that are ever asked."""

BEGINNINGS = re.compile(
    rb"\xff\xd8\xff|\x89PNG|GIF8|II\*\0|MM\0\*|RIFF....WEBP|....ftyp(avif|avis)", re.DOTALL
)
"""How files of these formats begin: one that does and cannot be read is damaged."""

SMALLEST_SIDE_PX = 32
LARGEST_SIDE_PX = 16_384
LARGEST_AREA_PX = 2**26
"""67 megapixels: every camera of one lens, at 200 MB while it is decoded."""

MOST_SCAN_PIXELS = 2**30
"""Scans times pixels of a progressive JPEG: about ten seconds of decoding."""

TEXTURE_SCALE = 2.0
"""Texture pixels per video pixel that are kept at most: what a zoom-in of 0.5 can show."""

PLAUSIBLE_FOV_RAD = (math.radians(20), math.radians(110))
"""Outside of this the focal length is a mistake, or the lens no simple camera."""


@dataclass(frozen=True, slots=True)
class Crop:
    """The part of an upright photograph that the video shows, in pixels of the photograph."""

    left: int
    top: int
    size: Size


def decode_photo(data: bytes, fit_to: Size, say: Say) -> Photo:
    """The photograph in a file, upright, in sRGB, centre-cropped to the aspect of the video."""
    picture = _open(data)
    _refuse_bad_sizes(picture)
    _refuse_endless_scans(picture, data)
    if picture.format in ("GIF", "WEBP", "PNG") and getattr(picture, "is_animated", False):
        say("the image is animated: its first frame is used")
    profile = picture.info.get("icc_profile")
    facts, flat = _load(picture, data, fit_to)
    crop = cover(Size(*flat.size), fit_to)
    texture = to_srgb(_texture(flat, crop, fit_to), profile, say)
    if crop.size.width < fit_to.width:
        shown = f"{crop.size.width}x{crop.size.height}"
        say(f"the photograph has fewer pixels ({shown}) than the video: it will look soft")
    return Photo(
        texture=_pixels(texture), size=fit_to, focal_px=_focal_px(facts, flat, crop, fit_to)
    )


def decode_whole(data: bytes, say: Say) -> RgbImage:
    """The photograph at its own size, upright, in sRGB, uncropped."""
    picture = _open(data)
    _refuse_bad_sizes(picture)
    _refuse_endless_scans(picture, data)
    profile = picture.info.get("icc_profile")
    _, flat = _load(picture, data, None)
    return _pixels(to_srgb(flat, profile, say))


def accepted_formats() -> tuple[str, ...]:
    """The formats that can be read on this machine; HEIF needs the package pillow-heif."""
    heif = ("HEIF",) if importlib.util.find_spec("pillow_heif") else ()
    return (*PLUGINS, *heif)


def cover(photograph: Size, video: Size) -> Crop:
    """The largest centred part of the photograph with the aspect of the video."""
    width = min(photograph.width, max(1, round(photograph.height * video.aspect)))
    height = min(photograph.height, max(1, round(photograph.width / video.aspect)))
    size = Size(width, height)
    return Crop((photograph.width - width) // 2, (photograph.height - height) // 2, size)


def _open(data: bytes) -> ImageFile.ImageFile:
    """The file's header, read; pixels are not touched."""
    _load_plugins()
    try:
        with _pillows_warnings_heeded():
            picture = Image.open(io.BytesIO(data), formats=accepted_formats())
            if picture.format == "PNG":
                _check_sums(data)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _too_large() from error
    except Exception as error:  # crafted files make decoders raise anything
        raise _unreadable(data) from error
    return picture


@contextmanager
def _pillows_warnings_heeded() -> Iterator[None]:
    """Pillow warns of bombs, which is an error here, and of broken EXIF, which is nothing."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        yield


def _load_plugins() -> None:
    for module in PLUGINS.values():
        importlib.import_module(f"PIL.{module}")
    if "HEIF" in accepted_formats():
        importlib.import_module("pillow_heif").register_heif_opener()


def _check_sums(data: bytes) -> None:
    """Raise when a chunk of a PNG is not what was written; loading alone would not notice."""
    Image.open(io.BytesIO(data), formats=["PNG"]).verify()


def _unreadable(data: bytes) -> InputRejected:
    accepted = ", ".join(accepted_formats())
    if len(data) < 12 or BEGINNINGS.match(data):
        return InputRejected(
            "image_url",
            f"the image is damaged, incomplete or of a rare kind; accepted are {accepted}",
            "image_load_error",
        )
    return InputRejected(
        "image_url",
        f"the bytes are not an image of a known format; accepted are {accepted}",
        "unsupported_image_format",
        {"supported_formats": list(accepted_formats())},
    )


def _too_large() -> InputRejected:
    return InputRejected(
        "image_url",
        f"the image is too large; at most {LARGEST_SIDE_PX} pixels a side "
        f"and {LARGEST_AREA_PX // 10**6} megapixels are allowed",
        "image_too_large",
        {"max_width": LARGEST_SIDE_PX, "max_height": LARGEST_SIDE_PX},
    )


def _refuse_bad_sizes(picture: Image.Image) -> None:
    width, height = picture.size
    if min(width, height) < SMALLEST_SIDE_PX:
        raise InputRejected(
            "image_url",
            f"the image has {width}x{height} pixels; a side needs {SMALLEST_SIDE_PX}",
            "image_too_small",
            {"min_width": SMALLEST_SIDE_PX, "min_height": SMALLEST_SIDE_PX},
        )
    if max(width, height) > LARGEST_SIDE_PX or width * height > LARGEST_AREA_PX:
        raise _too_large()


def _refuse_endless_scans(picture: Image.Image, data: bytes) -> None:
    """Each scan of a progressive JPEG passes over all pixels; a few hundred bytes make one."""
    scans = data.count(b"\xff\xda") if picture.format in ("JPEG", "MPO") else 1
    if scans * picture.width * picture.height > MOST_SCAN_PIXELS:
        raise InputRejected(
            "image_url", f"the JPEG has {scans} scans, too many to decode", "image_load_error"
        )


def _load(
    picture: ImageFile.ImageFile, data: bytes, fit_to: Size | None
) -> tuple[CameraFacts, Image.Image]:
    """The decoded picture, flat and upright, with what its camera wrote about it."""
    try:
        with _pillows_warnings_heeded():
            facts = read_camera_facts(picture)
            if fit_to is not None:
                _draft(picture, facts.orientation, fit_to)
            picture.load()
        orientation = 1 if picture.format == "TIFF" else facts.orientation  # turned by Pillow
        return facts, upright(flatten(picture), orientation)
    except InputRejected:
        raise
    except Exception as error:  # crafted files make decoders raise anything
        raise _unreadable(data) from error


def _draft(picture: ImageFile.ImageFile, orientation: int, fit_to: Size) -> None:
    """Let a JPEG decode at a half, a quarter or an eighth where even that is texture enough."""
    turned = orientation in (5, 6, 7, 8)
    upright_size = Size(*(picture.size[::-1] if turned else picture.size))
    factor = cover(upright_size, fit_to).size.width / (TEXTURE_SCALE * fit_to.width)
    if factor >= 2:
        enough = (math.ceil(picture.width / factor), math.ceil(picture.height / factor))
        picture.draft(None, enough)


def _texture(flat: Image.Image, crop: Crop, fit_to: Size) -> Image.Image:
    """The crop, at most `TEXTURE_SCALE` times as large as the video."""
    right, bottom = crop.left + crop.size.width, crop.top + crop.size.height
    box = (crop.left, crop.top, right, bottom)
    largest = fit_to.scaled(TEXTURE_SCALE)
    if crop.size.width <= largest.width:
        return flat.crop(box)
    size = (largest.width, largest.height)
    return flat.resize(size, Image.Resampling.LANCZOS, box=box, reducing_gap=3.0)


def _focal_px(facts: CameraFacts, flat: Image.Image, crop: Crop, fit_to: Size) -> float | None:
    """Focal length for pictures of `fit_to`, when the file tells one that can be true."""
    whole_px = facts.focal_px(Size(*flat.size))
    if whole_px is None:
        return None
    focal_px = whole_px * fit_to.width / crop.size.width
    narrowest, widest = PLAUSIBLE_FOV_RAD
    fov_x_rad = 2 * math.atan(fit_to.width / 2 / focal_px)
    return focal_px if narrowest <= fov_x_rad <= widest else None


def _pixels(picture: Image.Image) -> RgbImage:
    return np.ascontiguousarray(np.asarray(picture.convert("RGB")))
