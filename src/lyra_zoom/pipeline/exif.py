"""What a camera wrote beside its picture: which way is up, and how long the lens was.

Broken EXIF is ignored: a photograph without it is one all the same. Nothing else of it, the
place least of all, is read or passed on.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from PIL import Image
from PIL.ExifTags import IFD, Base

from lyra_zoom.geometry.image import Size

FULL_FRAME_DIAGONAL_MM = math.hypot(36.0, 24.0)
"""What "35 mm equivalent" is equivalent to; CIPA DCG-001 compares diagonals."""

MM_PER_UNIT = {2: 25.4, 3: 10.0, 4: 1.0, 5: 0.001}
"""EXIF FocalPlaneResolutionUnit: inch, centimetre, millimetre, micrometre."""

UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""EXIF Orientation to what makes the picture upright; 1 and all else is upright already."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CameraFacts:
    """Orientation as EXIF counts it, and what is known of the focal length."""

    orientation: int = 1
    focal_35mm: float | None = None
    focal_mm: float | None = None
    pixels_per_mm: float | None = None  # on the sensor, of the picture as the camera made it
    original_width_px: float | None = None

    def focal_px(self, size: Size) -> float | None:
        """Focal length in pixels of the whole photograph at `size`, either way up."""
        if self.focal_35mm:
            diagonal_px = math.hypot(size.width, size.height)
            return self.focal_35mm / FULL_FRAME_DIAGONAL_MM * diagonal_px
        if self.focal_mm and self.pixels_per_mm:
            long_side_px = max(size.width, size.height)
            resized = long_side_px / self.original_width_px if self.original_width_px else 1.0
            return self.focal_mm * self.pixels_per_mm * resized
        return None


def read_camera_facts(picture: Image.Image) -> CameraFacts:
    """What EXIF says; nothing when there is none or it is broken."""
    try:
        exif = picture.getexif()
        lens = exif.get_ifd(IFD.Exif)
    except Exception:  # noqa: BLE001  # crafted EXIF raises anything, and is optional
        return CameraFacts()
    unit_mm = MM_PER_UNIT.get(int(_number(lens.get(Base.FocalPlaneResolutionUnit)) or 2))
    per_unit = _number(lens.get(Base.FocalPlaneXResolution))
    sides_px = [_number(lens.get(tag)) for tag in (Base.ExifImageWidth, Base.ExifImageHeight)]
    return CameraFacts(
        orientation=int(_number(exif.get(Base.Orientation)) or 1),
        focal_35mm=_number(lens.get(Base.FocalLengthIn35mmFilm)),
        focal_mm=_number(lens.get(Base.FocalLength)),
        pixels_per_mm=per_unit / unit_mm if per_unit and unit_mm else None,
        original_width_px=max((side for side in sides_px if side), default=None),
    )


def upright(picture: Image.Image, orientation: int) -> Image.Image:
    """The picture turned and mirrored the way its camera meant it."""
    transpose = UPRIGHT.get(orientation)
    return picture if transpose is None else picture.transpose(transpose)


def _number(value: object) -> float | None:
    """A positive finite number of an EXIF entry, or None; rationals may divide by zero."""
    try:
        number = float(value)  # type: ignore[arg-type]  # whatever the file holds
    except (TypeError, ValueError, ZeroDivisionError, OverflowError):
        return None
    return number if math.isfinite(number) and 0 < number < 1e9 else None
