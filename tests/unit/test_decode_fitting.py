"""How a photograph becomes the video's picture: upright, cropped, sharp, its lens known."""

from __future__ import annotations

import io
import math
from typing import Any

import numpy as np
import pytest
from PIL import Image
from PIL.ExifTags import IFD, Base

from lyra_zoom.engines.engine import Photo
from lyra_zoom.geometry.image import Size, resize
from lyra_zoom.pipeline.decode import cover, decode_photo, decode_whole
from tests.fakes import Notes
from tests.pictures import encoded, landscape, psnr

VIDEO = Size(832, 480)

TO_SENSOR = {
    1: lambda upright: upright,
    2: lambda upright: upright[:, ::-1],
    3: lambda upright: upright[::-1, ::-1],
    4: lambda upright: upright[::-1],
    5: lambda upright: upright.transpose(1, 0, 2),
    6: lambda upright: np.rot90(upright, 1),
    7: lambda upright: upright[::-1, ::-1].transpose(1, 0, 2),
    8: lambda upright: np.rot90(upright, -1),
}
"""How a camera stores an upright picture under each EXIF orientation."""


def with_exif(pixels: np.ndarray, format_name: str = "JPEG", **lens: Any) -> bytes:
    exif = Image.Exif()
    exif[Base.Orientation] = lens.pop("Orientation", 1)
    exif.get_ifd(IFD.Exif).update({getattr(Base, name): value for name, value in lens.items()})
    file = io.BytesIO()
    lossless = {"lossless": True} if format_name == "WEBP" else {"quality": 97}
    Image.fromarray(np.ascontiguousarray(pixels)).save(file, format_name, exif=exif, **lossless)
    return file.getvalue()


def decode(data: bytes, size: Size = VIDEO, notes: Notes | None = None) -> Photo:
    return decode_photo(data, size, (notes or Notes()).say)


@pytest.mark.parametrize("format_name", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_every_orientation_comes_out_upright(orientation, format_name):
    original = landscape()
    data = with_exif(TO_SENSOR[orientation](original), format_name, Orientation=orientation)
    assert psnr(decode_whole(data, Notes().say), original) > 30


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_an_orientation_that_does_not_exist_is_ignored(orientation):
    data = with_exif(landscape(), Orientation=orientation)
    assert decode_whole(data, Notes().say).shape == (200, 320, 3)


@pytest.mark.parametrize(
    "exif",
    [
        pytest.param(b"Exif\0\0" + b"\xff" * 60_000, id="garbage"),
        pytest.param(b"Exif\0\0II*\0\x08\0\0\0\xff\xff" + bytes(2000), id="65535 entries"),
        pytest.param(
            b"Exif\0\0II*\0\x08\0\0\0\x01\0\x69\x87\x04\0\x01\0\0\0\x08\0\0\0\x08\0\0\0",
            id="a directory inside itself",
        ),
        pytest.param(b"Exif\0\0MM\0*\xff\xff\xff\xff", id="offset beyond the end"),
    ],
)
def test_broken_exif_is_ignored(exif):
    assert decode(encoded(landscape(), "JPEG", exif=exif)).focal_px is None


def test_no_focal_length_is_known_without_exif():
    assert decode(encoded(landscape(), "JPEG")).focal_px is None


def fov_x_deg(photo: Photo) -> float:
    assert photo.focal_px is not None
    return math.degrees(2 * math.atan(photo.size.width / 2 / photo.focal_px))


def test_a_35_mm_equivalent_on_a_3_to_2_photograph_is_what_full_frame_sees():
    photo = decode(with_exif(landscape(Size(1200, 800)), FocalLengthIn35mmFilm=28))
    assert fov_x_deg(photo) == pytest.approx(math.degrees(2 * math.atan(18 / 28)), abs=0.01)


def test_a_focal_length_and_the_sensor_give_the_same_view():
    resolution = 6000 / 36 * 25.4  # pixels per inch of a 36 mm sensor
    lens: dict[str, Any] = {
        "FocalLength": 28.0,
        "FocalPlaneXResolution": resolution,
        "FocalPlaneResolutionUnit": 2,
        "ExifImageWidth": 6000,
        "ExifImageHeight": 4000,
    }
    photo = decode(with_exif(landscape(Size(1200, 800)), **lens))
    assert fov_x_deg(photo) == pytest.approx(math.degrees(2 * math.atan(18 / 28)), abs=0.05)


def test_a_portrait_photograph_sees_less_from_side_to_side():
    upright = landscape(Size(800, 1200))
    data = with_exif(TO_SENSOR[6](upright), Orientation=6, FocalLengthIn35mmFilm=28)
    assert fov_x_deg(decode(data)) == pytest.approx(
        math.degrees(2 * math.atan(12 / 28)), abs=0.01
    )


def test_a_crop_at_the_sides_narrows_the_view():
    wide = decode(with_exif(landscape(Size(1200, 800)), FocalLengthIn35mmFilm=28))
    panorama = decode(with_exif(landscape(Size(2400, 800)), FocalLengthIn35mmFilm=28))
    crop_width = 800 * VIDEO.aspect
    whole_px = 28 / math.hypot(36, 24) * math.hypot(2400, 800)
    assert panorama.focal_px == pytest.approx(whole_px * VIDEO.width / crop_width, rel=1e-3)
    assert wide.focal_px != panorama.focal_px


@pytest.mark.parametrize("focal_mm", [1, 0, 900, 65535])
def test_an_implausible_lens_is_not_believed(focal_mm):
    assert decode(with_exif(landscape(), FocalLengthIn35mmFilm=focal_mm)).focal_px is None


def test_a_large_photograph_keeps_twice_the_pixels_of_the_video():
    for format_name in ("JPEG", "TIFF"):
        photo = decode(encoded(landscape(Size(3600, 2400)), format_name))
        assert Size.of(photo.texture) == Size(1664, 960)


def test_a_photograph_between_keeps_its_own_pixels():
    original = landscape(Size(1248, 720))
    assert (decode(encoded(original, "PNG")).texture == original).all()


def test_a_small_photograph_is_not_blown_up_and_that_is_said():
    notes = Notes()
    photo = decode(encoded(landscape(), "PNG"), notes=notes)
    assert Size.of(photo.texture) == Size(320, 185)
    assert notes.messages == [
        "the photograph has fewer pixels (320x185) than the video: it will look soft"
    ]


@pytest.mark.parametrize("video", [Size(832, 480), Size(1280, 720)])
@pytest.mark.parametrize(
    "photograph", [Size(4000, 3000), Size(3000, 4000), Size(8000, 1000), Size(321, 199)]
)
def test_a_crop_has_the_aspect_of_the_video_and_touches_two_borders(photograph, video):
    crop = cover(photograph, video)
    assert crop.size.width == photograph.width or crop.size.height == photograph.height
    assert crop.size.width * video.height == pytest.approx(
        crop.size.height * video.width, abs=max(video.width, video.height)
    )
    assert crop.left == (photograph.width - crop.size.width) // 2
    assert crop.top == (photograph.height - crop.size.height) // 2


def test_what_is_shown_is_the_middle_of_the_photograph():
    original = landscape(Size(1664, 1440))
    photo = decode(encoded(original, "PNG"))
    shown = resize(photo.texture, VIDEO)
    expected = resize(original[240:1200], VIDEO)
    assert psnr(shown, expected) > 40


def test_a_jpeg_decoded_at_half_size_equals_the_whole_one_made_smaller():
    original = landscape(Size(3328, 1920))
    photo = decode(encoded(original, "JPEG", quality=95))
    assert psnr(photo.texture, resize(original, Size(1664, 960))) > 38
