"""The video file: what players need it to be, to the byte and to the frame."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from lyra_zoom.geometry.image import RgbImage, Size
from lyra_zoom.pipeline.encode import Mp4Writer
from tests.films import write_film, write_segment
from tests.pictures import landscape, psnr

SIZE = Size(320, 192)


def moving(num_frames: int, size: Size = SIZE) -> Iterator[RgbImage]:
    """A picture that slides sideways."""
    wide = landscape(Size(size.width + num_frames, size.height))
    for left in range(num_frames):
        yield np.ascontiguousarray(wide[:, left : left + size.width])


def film(
    target: Path, num_frames: int = 20, rate: int = 16, tags: dict[str, str] | None = None
) -> Path:
    return write_film(target, moving(num_frames), rate, tags)


def decoded(file: Path) -> list[RgbImage]:
    """The frames as a player shows them that believes the file's colour tags."""
    with av.open(str(file)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


@pytest.mark.parametrize("rate", [8, 16, 23, 24])
@pytest.mark.parametrize("num_frames", [1, 2, 20])
def test_a_film_has_exactly_its_frames_and_its_rate(tmp_path, num_frames, rate):
    with av.open(str(film(tmp_path / "a.mp4", num_frames, rate))) as container:
        stream = container.streams.video[0]
        tick_s = stream.time_base or Fraction(0)
        times_s = [(frame.pts or 0) * tick_s for frame in container.decode(video=0)]
        assert stream.average_rate == rate
        assert stream.frames == num_frames
        assert (stream.duration or 0) * tick_s * rate == num_frames
    assert [time_s * rate for time_s in times_s] == list(range(num_frames))


def test_a_film_is_h264_high_in_tagged_bt709(tmp_path):
    with av.open(str(film(tmp_path / "a.mp4"))) as container:
        stream = container.streams.video[0]
        context = stream.codec_context
        assert (context.name, stream.profile, stream.pix_fmt) == ("h264", "High", "yuv420p")
        assert (context.color_primaries, context.color_trc, context.colorspace) == (1, 1, 1)
        assert context.color_range == 1  # limited, "tv"


def test_the_index_comes_before_the_pictures(tmp_path):
    data = film(tmp_path / "a.mp4").read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")


@pytest.mark.parametrize(
    "colour", [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (20, 90, 160)]
)
def test_a_colour_survives_as_bt709(tmp_path, colour):
    """Worked out by hand from the planes, so that a wrong matrix cannot cancel itself out."""
    frame = np.full((SIZE.height, SIZE.width, 3), colour, np.uint8)
    write_film(tmp_path / "a.mp4", [frame])
    with av.open(str(tmp_path / "a.mp4")) as container:
        planes = next(container.decode(video=0)).to_ndarray()
    red, green, blue = np.array(colour) / 255
    luma = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    expected = (
        16 + 219 * luma,
        128 + 224 * (blue - luma) / 1.8556,
        128 + 224 * (red - luma) / 1.5748,
    )
    height, quarter = SIZE.height, SIZE.height // 4
    found = (planes[:height], planes[height : height + quarter], planes[height + quarter :])
    for plane, value in zip(found, expected, strict=True):
        assert np.abs(plane.astype(float) - value).max() <= 1.5


def test_frames_look_like_what_was_drawn(tmp_path):
    shown = decoded(film(tmp_path / "a.mp4"))
    assert min(psnr(a, b) for a, b in zip(shown, moving(20), strict=True)) > 33


def test_a_frame_may_be_overwritten_once_it_is_handed_over(tmp_path):
    buffer = np.empty((SIZE.height, SIZE.width, 3), np.uint8)
    with Mp4Writer(tmp_path / "a.mp4", SIZE, 16, 20) as writer:
        for frame in moving(20):
            buffer[:] = frame
            writer.write(buffer)
    write_segment(tmp_path / "b.mp4", moving(20))
    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()


def test_a_player_can_jump_to_a_picture_every_two_seconds(tmp_path):
    with av.open(str(film(tmp_path / "a.mp4", num_frames=40, rate=8))) as container:
        keys = [n for n, frame in enumerate(container.decode(video=0)) if frame.key_frame]
    assert keys == [0, 16, 32]


def test_a_long_tag_survives(tmp_path):
    tags = {"comment": "camera " * 60_000}
    with av.open(str(film(tmp_path / "a.mp4", tags=tags))) as container:
        assert container.metadata["comment"] == tags["comment"]


def test_the_file_says_nothing_of_the_time_it_was_made(tmp_path):
    with av.open(str(film(tmp_path / "a.mp4"))) as container:
        assert "creation_time" not in container.metadata


@pytest.mark.parametrize(
    "name", ["a b.mp4", "ü 日本 🌊.mp4", "-x.mp4", "%03d.mp4", "a'b\"c.mp4"]
)
def test_any_file_name_will_do(tmp_path, name):
    assert film(tmp_path / name).stat().st_size > 1000


DIGESTS_OF_MANY = """
import hashlib, pathlib, sys
from tests.unit.test_encode import film
folder = pathlib.Path(sys.argv[1])
for number in range(int(sys.argv[2])):
    print(hashlib.sha256(film(folder / f"{number}.mp4", 40).read_bytes()).hexdigest())
"""


@pytest.mark.slow
def test_the_same_frames_give_the_same_bytes_in_many_runs_and_processes(tmp_path):
    digests = set()
    for process in range(3):
        folder = tmp_path / str(process)
        folder.mkdir()
        command = [sys.executable, "-c", DIGESTS_OF_MANY, str(folder), "6"]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        digests.update(done.stdout.split())
    digests.add(hashlib.sha256(film(tmp_path / "here.mp4", 40).read_bytes()).hexdigest())
    assert len(digests) == 1
