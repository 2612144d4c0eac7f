"""Rendered views are read from files, and judge as generated scenes do."""

from __future__ import annotations

import math

import numpy as np
import pytest
from PIL import Image

from lyra_zoom.bench.quality import FRAMES, PRESETS, measure_quality, trials
from lyra_zoom.bench.quality_generated import photograph
from lyra_zoom.bench.quality_methods import CUT, STRETCHED, cut_mesh, stretched_mesh
from lyra_zoom.bench.quality_rendered import read_subject, read_views
from lyra_zoom.bench.quality_sheet import CELL_WIDTH, farthest_frame, save_sheet
from lyra_zoom.contract.zoom import Trajectory
from lyra_zoom.errors import OutputRejected, ViewsUnreadable
from lyra_zoom.geometry.image import Size
from lyra_zoom.pipeline.cameras import SourceView, plan_leg

pytestmark = pytest.mark.slow

SIZE = Size(96, 64)
ZOOM_IN, _, ORBIT = PRESETS[:3]
METRES = 7.0  # the files are in metres, and a scene's unit is this long
BASELINES = {STRETCHED: stretched_mesh, CUT: cut_mesh}


@pytest.fixture(scope="module")
def subject():
    return photograph(900_002, SIZE)


@pytest.fixture(scope="module")
def folder(subject, tmp_path_factory):
    """What a renderer would leave: a scene's true views along two moves."""
    folder = tmp_path_factory.mktemp("views")
    views = [
        (preset.name, frame, *camera_and_sight(subject, preset, frame))
        for preset in (ZOOM_IN, ORBIT)
        for frame in FRAMES
    ]
    moves, frames, w2c, intrinsics, sights = zip(*views, strict=True)
    np.savez(
        folder / "900002.npz",
        photograph=subject.photo.texture,
        photograph_depth=(subject.depth * METRES).astype(np.float32),
        photograph_K=subject.K,
        rgb=np.stack([sight.rgb for sight in sights]),
        depth=np.stack([sight.depth * METRES for sight in sights]).astype(np.float32),
        K=np.stack(intrinsics),
        w2c=np.stack([in_metres(one) for one in w2c]),
        move=np.array(moves),
        frame=np.array(frames),
        family=np.array(subject.family),
    )
    return folder


def in_metres(w2c):
    longer = w2c.copy()
    longer[:3, 3] *= METRES
    return longer


def camera_and_sight(subject, preset, frame):
    view = SourceView(
        K=subject.K, size=SIZE, depth=subject.depth, subject_depth=subject.subject_depth
    )
    path = plan_leg(preset.leg, view, lambda message: None)
    sight = subject.truth.sight(path.w2c[frame], path.K[frame])
    return path.w2c[frame], path.K[frame], sight


def test_files_judge_as_the_scene_they_were_made_of(subject, folder):
    presets = (ZOOM_IN, ORBIT)
    alive = measure_quality([subject], presets, contenders=BASELINES)
    read = measure_quality(read_views(folder), presets, contenders=BASELINES)
    for one, other in zip(alive, read, strict=True):
        assert (one.seed, one.family, one.preset) == (other.seed, other.family, other.preset)
        assert one.figures.seen_psnr == pytest.approx(other.figures.seen_psnr, abs=0.02)
        assert one.figures.ssim == pytest.approx(other.figures.ssim, abs=0.001)


def test_where_neighbouring_frames_are_unknown_nothing_is_said_of_flicker(folder):
    (row,) = measure_quality(
        read_views(folder), [ZOOM_IN], contenders={STRETCHED: stretched_mesh}
    )
    assert math.isnan(row.figures.flicker)
    assert math.isnan(row.figures.drift)


def test_a_move_that_nobody_rendered_is_left_out(folder):
    spiral = [p for p in PRESETS if p.leg.trajectory is Trajectory.SPIRAL]
    assert list(trials(read_views(folder), spiral, lambda what: None)) == []


def test_rendered_places_have_their_subject_at_a_depth_of_one(folder):
    place = read_subject(folder / "900002.npz")
    assert place.subject_depth == 1
    assert np.quantile(place.depth[np.isfinite(place.depth)], 0.25) == pytest.approx(1)


def test_a_folder_without_views_is_refused(tmp_path):
    with pytest.raises(ViewsUnreadable, match=r"no \.npz file"):
        list(read_views(tmp_path))


@pytest.mark.parametrize("content", [b"", b"not a zip", b"PK\x03\x04"])
def test_a_file_without_views_is_named(tmp_path, content):
    (tmp_path / "5.npz").write_bytes(content)
    with pytest.raises(ViewsUnreadable, match=r"5\.npz holds no rendered views"):
        list(read_views(tmp_path))


def test_a_file_of_something_else_is_named(tmp_path):
    np.savez(tmp_path / "5.npz", rgb=np.zeros(3))
    with pytest.raises(ViewsUnreadable, match="photograph"):
        list(read_views(tmp_path))


def test_a_sheet_has_a_row_per_move(folder, tmp_path):
    path = tmp_path / "sheet.png"
    save_sheet(path, read_views(folder), [ZOOM_IN, ORBIT], contenders=BASELINES)
    with Image.open(path) as sheet:
        assert sheet.width > (2 + len(BASELINES)) * CELL_WIDTH
        assert sheet.height > 2 * CELL_WIDTH * SIZE.height / SIZE.width


def test_a_sheet_shows_a_loop_where_it_is_farthest_away(subject):
    loop = [p for p in PRESETS if p.leg.trajectory is Trajectory.BACK]
    ((_, trial),) = trials([subject], loop, lambda what: None)
    assert farthest_frame(trial) == 40


def test_a_sheet_of_another_kind_is_refused(folder, tmp_path):
    with pytest.raises(OutputRejected, match="png or"):
        save_sheet(tmp_path / "sheet.pdf", read_views(folder), [ZOOM_IN])
