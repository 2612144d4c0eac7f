"""Segments become one film without a frame lost, shown twice or changed."""

from __future__ import annotations

import json
import shutil
import subprocess
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest

from lyra_zoom.errors import ChunksDiffer
from lyra_zoom.geometry.image import RgbImage, Size
from lyra_zoom.pipeline.join import join_film
from tests.films import write_segment
from tests.pictures import landscape

SIZE = Size(160, 96)


def moving(frames: range, size: Size = SIZE) -> list[RgbImage]:
    """A picture that slides sideways, frame by frame of the film."""
    wide = landscape(Size(size.width + frames.stop, size.height))
    return [np.ascontiguousarray(wide[:, left : left + size.width]) for left in frames]


def written(folder: Path, cuts: tuple[int, ...], rate: int = 16) -> list[Path]:
    """The segments of a film that is cut at these frames."""
    return [
        write_segment(folder / f"{start}.mp4", moving(range(start, stop)), rate)
        for start, stop in pairwise(cuts)
    ]


def decoded(file: Path) -> list[RgbImage]:
    with av.open(str(file)) as container:
        return [frame.to_ndarray() for frame in container.decode(video=0)]


@pytest.mark.parametrize("rate", [8, 10, 16, 20, 23, 24])
@pytest.mark.parametrize("cuts", [(0, 81, 161), (0, 5, 9), (0, 1, 2, 40), (0, 3)])
def test_a_film_shows_what_its_segments_show(tmp_path, cuts, rate):
    segments = written(tmp_path, cuts, rate)
    join_film(tmp_path / "film.mp4", segments, {})
    apart = [frame for segment in segments for frame in decoded(segment)]
    assert np.array_equal(decoded(tmp_path / "film.mp4"), apart)


@pytest.mark.parametrize("rate", [8, 16, 23])
@pytest.mark.parametrize("cuts", [(0, 81, 161, 241), (0, 1, 2, 40), (0, 2)])
def test_the_clock_runs_on_over_every_cut(tmp_path, cuts, rate):
    join_film(tmp_path / "film.mp4", written(tmp_path, cuts, rate), {})
    with av.open(str(tmp_path / "film.mp4")) as container:
        stream = container.streams.video[0]
        tick = (stream.time_base or 0) * rate
        packets = [p for p in container.demux(stream) if p.pts is not None]
        shown = [(p.pts or 0) * tick for p in packets]
        read = [(p.dts or 0) * tick for p in packets]
        assert (stream.frames, stream.average_rate) == (cuts[-1], rate)
        assert (stream.duration or 0) * tick == cuts[-1]
    assert sorted(shown) == list(range(cuts[-1]))
    assert [after - before for before, after in pairwise(read)] == [1] * (cuts[-1] - 1)
    assert all(earlier <= later for earlier, later in zip(read, shown, strict=True))


@pytest.mark.parametrize("rate", range(8, 25))
def test_every_segment_begins_with_a_keyframe_and_none_ends_with_one(tmp_path, rate):
    join_film(tmp_path / "film.mp4", written(tmp_path, (0, 81, 161, 241), rate), {})
    with av.open(str(tmp_path / "film.mp4")) as container:
        keys = [n for n, frame in enumerate(container.decode(video=0)) if frame.key_frame]
    assert {0, 81, 161} <= set(keys)
    assert not {80, 160, 240} & set(keys)
    assert max(np.diff(keys)) <= 2 * rate


@pytest.mark.parametrize("rate", [10, 16, 20])
def test_ffprobe_counts_the_same_frames_and_complains_of_nothing(tmp_path, rate):
    if not shutil.which("ffprobe"):
        pytest.skip("there is no ffprobe on this machine")
    film = tmp_path / "film.mp4"
    join_film(film, written(tmp_path, (0, 81, 161), rate), {})
    command = ["ffprobe", "-v", "warning", "-count_frames", "-show_streams", "-of", "json"]
    done = subprocess.run([*command, str(film)], capture_output=True, text=True, check=True)
    stream = json.loads(done.stdout)["streams"][0]
    assert done.stderr == ""
    assert (stream["nb_frames"], stream["nb_read_frames"]) == ("161", "161")
    assert stream["r_frame_rate"] == stream["avg_frame_rate"] == f"{rate}/1"
    assert (stream["start_pts"], stream["color_space"]) == (0, "bt709")
    assert float(stream["duration"]) == pytest.approx(161 / rate, abs=1e-6)


def test_a_film_of_many_segments_has_its_index_first_and_its_tags(tmp_path):
    join_film(tmp_path / "film.mp4", written(tmp_path, (0, 5, 9)), {"comment": "a harbour"})
    data = (tmp_path / "film.mp4").read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")
    with av.open(str(tmp_path / "film.mp4")) as container:
        assert container.metadata["comment"] == "a harbour"
        assert "creation_time" not in container.metadata


@pytest.mark.parametrize("size", [Size(320, 192), Size(96, 160)])
def test_a_segment_of_another_size_is_refused(tmp_path, size):
    segments = written(tmp_path, (0, 5))
    segments.append(write_segment(tmp_path / "other.mp4", moving(range(5), size)))
    with pytest.raises(ChunksDiffer, match=r"other\.mp4 was encoded unlike"):
        join_film(tmp_path / "film.mp4", segments, {})


def test_a_segment_of_another_rate_is_refused(tmp_path):
    segments = written(tmp_path, (0, 5))
    segments.append(write_segment(tmp_path / "other.mp4", moving(range(5)), rate=24))
    with pytest.raises(ChunksDiffer):
        join_film(tmp_path / "film.mp4", segments, {})
