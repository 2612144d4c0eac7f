"""Sizes are decided from the header; endless decoding is not begun."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from lyra_zoom.errors import InputRejected
from lyra_zoom.geometry.image import Size
from lyra_zoom.pipeline.decode import decode_photo
from tests.fakes import Notes
from tests.pictures import encoded, jpeg_of_header, landscape, png_of_header

VIDEO = Size(832, 480)


def refusal(data: bytes) -> InputRejected:
    with pytest.raises(InputRejected) as refused:
        decode_photo(data, VIDEO, Notes().say)
    return refused.value


@pytest.mark.parametrize("size", [Size(1, 1), Size(1, 4000), Size(15, 15), Size(4000, 31)])
def test_a_picture_of_a_few_pixels_is_too_small(size):
    refused = refusal(encoded(landscape(size), "PNG"))
    assert refused.kind == "image_too_small"
    assert refused.context == {"min_width": 32, "min_height": 32}


def test_thirty_two_pixels_are_enough():
    photo = decode_photo(encoded(landscape(Size(32, 32)), "PNG"), VIDEO, Notes().say)
    assert photo.texture.shape == (18, 32, 3)


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(png_of_header(30_000, 30_000), id="png bomb"),
        pytest.param(png_of_header(9_000, 9_000), id="81 megapixels"),
        pytest.param(png_of_header(12_000, 12_000), id="144 megapixels"),
        pytest.param(png_of_header(16_385, 100), id="a side too long"),
        pytest.param(jpeg_of_header(65_535, 65_535), id="jpeg header"),
    ],
)
def test_a_huge_picture_is_refused_from_its_header(data):
    refused = refusal(data)
    assert refused.kind == "image_too_large"
    assert refused.context == {"max_width": 16384, "max_height": 16384}


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux's /proc")
def test_a_bomb_is_refused_in_little_memory(tmp_path: Path):
    bomb = tmp_path / "bomb.png"
    bomb.write_bytes(png_of_header(30_000, 30_000))
    code = (
        "import pathlib, re, sys\n"
        "from lyra_zoom.pipeline.decode import decode_photo\n"
        "from lyra_zoom.geometry.image import Size\n"
        "try: decode_photo(pathlib.Path(sys.argv[1]).read_bytes(), Size(832, 480), print)\n"
        "except Exception as error: print(error.kind)\n"
        "status = pathlib.Path('/proc/self/status').read_text()\n"
        "print(int(re.search(r'VmHWM:\\s+(\\d+)', status)[1]) // 1024)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(bomb)], capture_output=True, text=True, check=True
    )
    kind, peak_mib = done.stdout.split()
    assert kind == "image_too_large"
    assert int(peak_mib) < 256


def test_a_jpeg_of_a_thousand_scans_ends_soon():
    data = encoded(landscape(Size(2000, 1500)), "JPEG", progressive=True)
    first = data.index(b"\xff\xda")
    second = data.index(b"\xff\xda", first + 2)
    many = data[:first] + data[first:second] * 1000 + data[second:]
    start = time.monotonic()
    assert refusal(many).kind == "image_load_error"
    assert time.monotonic() - start < 10


def test_a_usual_progressive_jpeg_is_welcome():
    data = encoded(landscape(Size(2400, 1800)), "JPEG", progressive=True)
    assert decode_photo(data, VIDEO, Notes().say).texture.shape == (960, 1664, 3)
