"""Whatever a file's colours are, what comes out is sRGB as a person would expect it."""

from __future__ import annotations

import io
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image, ImageCms

from lyra_zoom.geometry.image import RgbImage, Size
from lyra_zoom.pipeline.decode import decode_whole
from tests.fakes import Notes
from tests.pictures import encoded, landscape, psnr


def decode(data: bytes, notes: Notes | None = None) -> RgbImage:
    return decode_whole(data, (notes or Notes()).say)


def grey_ramp(high: float, kind: type) -> np.ndarray:
    return np.tile(np.linspace(0, high, 256), (64, 1)).astype(kind)


def delta_e(a: np.ndarray, b: np.ndarray) -> float:
    """Mean CIE76 colour difference."""
    lab = [cv2.cvtColor(p.astype(np.float32) / 255, cv2.COLOR_RGB2LAB) for p in (a, b)]
    return float(np.linalg.norm(lab[0] - lab[1], axis=-1).mean())


RAMP_8_BIT = np.tile(np.arange(256, dtype=np.uint8), (64, 1))


def test_a_grey_jpeg_is_grey():
    pixels = decode(encoded(landscape(), "JPEG", mode="L"))
    assert (pixels[..., 0] == pixels[..., 1]).all()
    assert (pixels[..., 0] == pixels[..., 2]).all()


@pytest.mark.parametrize("format_name", ["PNG", "TIFF"])
def test_sixteen_bits_of_grey_keep_their_tone(format_name):
    pixels = decode(encoded(grey_ramp(65535, np.uint16), format_name))
    assert np.abs(pixels[..., 1].astype(int) - RAMP_8_BIT).max() <= 1


def test_sixteen_bits_of_rgb_keep_their_tone():
    original = landscape()
    deep = cv2.cvtColor(original.astype(np.uint16) * 257, cv2.COLOR_RGB2BGR)
    pixels = decode(cv2.imencode(".png", deep)[1].tobytes())
    assert np.abs(pixels.astype(int) - original).max() <= 1


@pytest.mark.parametrize("white", [1.0, 255.0, 65535.0])
def test_a_float_tiff_keeps_its_tone(white):
    pixels = decode(encoded(grey_ramp(white, np.float32), "TIFF"))
    assert np.abs(pixels[..., 1].astype(int) - RAMP_8_BIT).max() <= 1


def test_a_float_tiff_with_numbers_that_are_none_still_decodes():
    ramp = grey_ramp(1.0, np.float32)
    ramp[0, :3] = np.nan, np.inf, -np.inf
    assert decode(encoded(ramp, "TIFF"))[0, :3].max() == 0


def test_an_all_black_deep_picture_is_black():
    assert decode(encoded(np.zeros((64, 64), np.uint16), "PNG")).max() == 0
    assert decode(encoded(np.zeros((64, 64), np.float32), "TIFF")).max() == 0


def test_one_bit_is_black_or_white():
    pixels = decode(encoded(landscape(), "PNG", mode="1"))
    assert set(np.unique(pixels)) == {0, 255}


@pytest.mark.parametrize("bits", [2, 4])
def test_few_bits_of_grey_span_black_to_white(bits):
    picture = Image.fromarray(RAMP_8_BIT).quantize(2**bits)
    file = io.BytesIO()
    picture.save(file, "PNG", bits=bits)
    pixels = decode(file.getvalue())
    assert pixels.min() < 40
    assert pixels.max() > 215


def test_a_palette_with_a_transparent_entry_shows_white_there():
    picture = Image.new("P", (64, 64), 0)
    picture.putpalette([0, 0, 0, 200, 0, 0])
    picture.paste(1, (32, 0, 64, 64))
    file = io.BytesIO()
    picture.save(file, "PNG", transparency=0)
    pixels = decode(file.getvalue())
    assert (pixels[:, :32] == 255).all()
    assert (pixels[:, 32:] == (200, 0, 0)).all()


@pytest.mark.parametrize("mode", ["LA", "RGBA"])
def test_a_transparent_part_shows_white_whatever_hides_there(mode):
    pixels = np.zeros((64, 64, 2 if mode == "LA" else 4), np.uint8)
    pixels[:, 32:] = 255
    pixels[:, 32:, :-1] = 90
    decoded = decode(encoded(pixels, "PNG"))
    assert (decoded[:, :32] == 255).all()
    assert (decoded[:, 32:] == 90).all()


def test_a_soft_edge_has_no_dark_fringe():
    alpha = np.tile(np.linspace(0, 255, 64).astype(np.uint8), (64, 1))
    white_on_hidden_black = np.dstack([np.where(alpha[..., None] > 0, 255, 0)] * 3 + [alpha])
    decoded = decode(encoded(white_on_hidden_black.astype(np.uint8)[..., [0, 1, 2, -1]], "PNG"))
    assert decoded.min() >= 254


def test_a_cmyk_jpeg_has_its_own_colours():
    original = landscape()
    assert delta_e(decode(encoded(original, "JPEG", mode="CMYK", quality=95)), original) < 6


def test_a_cmyk_tiff_has_its_own_colours():
    original = landscape()
    assert delta_e(decode(encoded(original, "TIFF", mode="CMYK")), original) < 6


def wide_profile() -> bytes:
    """A profile whose red and green are swapped: nobody could miss that it was obeyed."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    red, green = profile.index(b"rXYZ"), profile.index(b"gXYZ")
    profile[red : red + 4], profile[green : green + 4] = b"gXYZ", b"rXYZ"
    return bytes(profile)


@pytest.mark.parametrize("format_name", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_a_colour_profile_is_obeyed(format_name):
    red = np.zeros((64, 64, 3), np.uint8)
    red[..., 0] = 230
    options: dict[str, Any] = {"lossless": True} if format_name == "WEBP" else {}
    data = encoded(red, format_name, icc_profile=wide_profile(), **options)
    shown = decode(data)[32, 32].astype(int)
    assert shown[1] > 200
    assert shown[0] < 60


def test_an_srgb_profile_changes_nothing():
    original = landscape()
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert psnr(decode(encoded(original, "PNG", icc_profile=profile)), original) > 45


@pytest.mark.parametrize(
    ("profile", "word"),
    [
        pytest.param(b"not a profile", "broken", id="broken"),
        pytest.param(wide_profile()[:200], "broken", id="cut off"),
        pytest.param(bytes(2 << 20), "too many", id="two megabytes"),
    ],
)
def test_an_unusable_profile_is_ignored_with_a_word(profile, word):
    original = landscape()
    notes = Notes()
    data = encoded(original, "TIFF", icc_profile=profile)
    assert (decode(data, notes) == original).all()
    assert [word in message for message in notes.messages] == [True]


def test_a_profile_of_another_kind_of_colour_is_ignored():
    grey = encoded(landscape(), "PNG", mode="L", icc_profile=wide_profile())
    notes = Notes()
    assert decode(grey, notes).shape == (200, 320, 3)
    assert len(notes.messages) == 1


@pytest.mark.parametrize(
    "pixels",
    [
        pytest.param(np.full((480, 832, 3), 255, np.uint8), id="all white"),
        pytest.param(np.zeros((480, 832, 3), np.uint8), id="all black"),
        pytest.param(
            np.random.default_rng(1).integers(0, 256, (480, 832, 3), np.uint8), id="noise"
        ),
        pytest.param(landscape(Size(4000, 500)), id="panorama 8:1"),
        pytest.param(landscape(Size(720, 1280)), id="portrait 9:16"),
    ],
)
def test_unusual_pictures_are_pictures(pixels):
    assert (decode(encoded(pixels, "PNG")) == pixels).all()
