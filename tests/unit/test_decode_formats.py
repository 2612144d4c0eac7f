"""Which files are photographs, and which are refused by what name."""

from __future__ import annotations

import io
import subprocess
import sys
import zipfile

import numpy as np
import pytest
from PIL import Image

from lyra_zoom.engines.engine import Photo
from lyra_zoom.errors import InputRejected
from lyra_zoom.geometry.image import Size
from lyra_zoom.pipeline.decode import decode_photo, decode_whole
from tests.fakes import Notes
from tests.pictures import encoded, landscape, png_chunk, png_of_header, psnr

VIDEO = Size(832, 480)


def decode(data: bytes, notes: Notes | None = None) -> Photo:
    return decode_photo(data, VIDEO, (notes or Notes()).say)


def refused_as(data: bytes) -> str:
    with pytest.raises(InputRejected) as refused:
        decode(data)
    assert refused.value.field_name == "image_url"
    return refused.value.kind


@pytest.mark.parametrize(
    ("format_name", "options", "least_psnr"),
    [
        ("JPEG", {"quality": 95}, 35),
        ("JPEG", {"quality": 95, "progressive": True}, 35),
        ("PNG", {}, 99),
        ("WEBP", {"quality": 95}, 32),
        ("WEBP", {"lossless": True}, 99),
        ("AVIF", {"quality": 95}, 32),
        ("TIFF", {}, 99),
        ("TIFF", {"compression": "tiff_lzw"}, 99),
    ],
)
def test_an_accepted_format_gives_its_pixels(format_name, options, least_psnr):
    original = landscape()
    pixels = decode_whole(encoded(original, format_name, **options), Notes().say)
    assert psnr(pixels, original) >= least_psnr


def test_a_gif_gives_its_pixels_as_its_palette_has_them():
    data = encoded(landscape(), "GIF")
    shown = np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))
    assert (decode_whole(data, Notes().say) == shown).all()


def test_heic_gives_its_pixels_when_its_codec_is_installed():
    pillow_heif = pytest.importorskip("pillow_heif")
    original, file = landscape(), io.BytesIO()
    pillow_heif.from_pillow(Image.fromarray(original)).save(file, quality=95)
    assert file.getvalue()[4:12] == b"ftypheic"
    assert psnr(decode_whole(file.getvalue(), Notes().say), original) >= 32


REFUSING_HEIC = """
import sys
sys.modules["pillow_heif"] = None  # as where it is not installed
from lyra_zoom.errors import InputRejected
from lyra_zoom.pipeline.decode import decode_whole
try:
    decode_whole(b"\\0\\0\\0\\x18ftypheic\\0\\0\\0\\0mif1heic" + bytes(200), print)
except InputRejected as rejected:
    print(rejected.kind, rejected.message)
"""


def test_heic_is_refused_by_name_without_its_codec():
    done = subprocess.run(
        [sys.executable, "-c", REFUSING_HEIC], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("unsupported_image_format")
    assert "JPEG, PNG, WEBP, AVIF" in done.stdout


@pytest.mark.parametrize("data", [b"", b"\x89", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"])
def test_a_file_that_has_only_begun_is_damaged(data):
    assert refused_as(data) == "image_load_error"


@pytest.mark.parametrize("format_name", ["JPEG", "PNG", "WEBP", "AVIF", "GIF", "TIFF"])
def test_a_truncated_file_is_refused_rather_than_half_grey(format_name):
    data = encoded(landscape(), format_name)
    assert refused_as(data[: len(data) * 9 // 10]) == "image_load_error"


def test_a_png_with_a_wrong_checksum_is_refused():
    data = bytearray(encoded(landscape(), "PNG"))
    data[data.index(b"IDAT") + 40] ^= 0xFF
    assert refused_as(bytes(data)) == "image_load_error"


SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><image href="http://169.254.169.254/"/></svg>'


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(SVG, id="svg"),
        pytest.param(b"<?xml version='1.0'?><!DOCTYPE x [<!ENTITY a 'b'>]>" + SVG, id="xml"),
        pytest.param(b"%PDF-1.7\n" + bytes(100), id="pdf"),
        pytest.param(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 64 64\n", id="eps"),
        pytest.param(b"DDS " + bytes(128), id="dds"),
        pytest.param(b"SIMPLE  =                    T" + b" " * 2880, id="fits"),
        pytest.param(b"8BPS\0\1" + bytes(100), id="psd"),
        pytest.param(b"\xd7\xcd\xc6\x9a" + bytes(100), id="wmf"),
        pytest.param(b"\0\0\0\0\0\0\0\x04" + bytes(300), id="mcidas"),
        pytest.param(b"BLP2" + bytes(200), id="blp"),
        pytest.param(b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(100), id="jpeg 2000"),
        pytest.param(b"\xff\x0a" + bytes(100), id="jpeg xl"),
        pytest.param(b"\0\0\1\0\1\0\x10\x10\0\0\1\0\x20\0" + bytes(100), id="ico"),
        pytest.param(b"BM" + bytes(200), id="bmp"),
        pytest.param(b"PK\3\4" + bytes(100), id="zip"),
        pytest.param(b"\x1f\x8b\x08" + bytes(100), id="gzip"),
        pytest.param(b"\x7fELF" + bytes(100), id="program"),
        pytest.param(b"<!doctype html><title>log in</title>", id="html"),
    ],
)
def test_what_is_no_photograph_is_refused_naming_what_is(data):
    assert refused_as(data) == "unsupported_image_format"
    with pytest.raises(InputRejected, match="accepted are JPEG, PNG, WEBP, AVIF, GIF, TIFF"):
        decode(data)


def test_a_video_is_no_photograph():
    film = b"\0\0\0\x20ftypisom\0\0\2\0isomiso2" + bytes(200)
    assert refused_as(film) == "unsupported_image_format"


def test_other_decoders_are_never_loaded():
    code = (
        "import sys\n"
        "from lyra_zoom.pipeline.decode import decode_photo\n"
        "from lyra_zoom.geometry.image import Size\n"
        "try: decode_photo(b'%!PS-Adobe-3.0 EPSF-3.0' + bytes(500), Size(832, 480), print)\n"
        "except Exception as error: print(error.kind)\n"
        "print([m for m in sys.modules if 'EpsImage' in m or 'FitsImage' in m])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines() == ["unsupported_image_format", "[]"]


def test_a_picture_that_is_also_an_archive_is_only_a_picture():
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as zipped:
        zipped.writestr("index.php", "<?php ?>")
    original = landscape()
    pixels = decode_whole(encoded(original, "PNG") + archive.getvalue(), Notes().say)
    assert (pixels == original).all()


def test_only_the_first_frame_of_an_animation_is_used():
    first, second = landscape(), np.zeros((200, 320, 3), np.uint8)
    file = io.BytesIO()
    frames = [Image.fromarray(second)] * 3
    Image.fromarray(first).save(
        file, "WEBP", save_all=True, append_images=frames, lossless=True
    )
    notes = Notes()
    assert psnr(decode_whole(file.getvalue(), notes.say), first) > 40
    decode(file.getvalue(), notes)
    assert notes.messages[0] == "the image is animated: its first frame is used"


def test_a_phones_jpeg_with_a_second_picture_inside_is_a_jpeg():
    file = io.BytesIO()
    Image.fromarray(landscape()).save(
        file, "MPO", save_all=True, append_images=[Image.new("RGB", (40, 40))], quality=95
    )
    notes = Notes()
    assert psnr(decode_whole(file.getvalue(), notes.say), landscape()) > 35
    assert notes.messages == []


def test_only_the_first_page_of_a_tiff_is_used():
    file = io.BytesIO()
    Image.fromarray(landscape()).save(
        file, "TIFF", save_all=True, append_images=[Image.new("RGB", (40, 40))]
    )
    assert (decode_whole(file.getvalue(), Notes().say) == landscape()).all()


def test_a_gif_of_ten_thousand_frames_costs_no_more_than_its_first():
    frame = encoded(landscape(), "GIF")
    end = frame.rindex(b";")
    body = frame[frame.index(b",") : end]
    assert decode(frame[:end] + body * 2000 + b";").texture.shape[1] == 320


def test_a_text_bomb_inside_a_png_is_refused_or_ignored():
    import zlib

    bomb = png_chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(80_000_000), 9))
    data = encoded(landscape(), "PNG")
    start = data.index(b"IDAT") - 4
    assert refused_as(data[:start] + bomb + data[start:]) == "image_load_error"


def test_a_png_with_too_few_pixels_is_refused():
    assert refused_as(png_of_header(300, 300)) == "image_load_error"


def test_the_content_decides_what_a_file_is():
    """A name or a content type never reaches the decoder: it only sees bytes."""
    assert decode(encoded(landscape(), "WEBP")).texture.shape[2] == 3
