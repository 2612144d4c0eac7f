"""The picture benchmark judges by the truth: scenes it can look at from anywhere."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from lyra_zoom.bench.baselines import Drawn
from lyra_zoom.bench.quality import (
    CEILING_DB,
    PAIR,
    PRESETS,
    QUICK_PRESETS,
    averaged,
    fresh_seeds,
    generated_subjects,
    measure_quality,
)
from lyra_zoom.bench.quality_generated import photograph
from lyra_zoom.bench.quality_methods import CUT, OURS, STRETCHED, cut_mesh, stretched_mesh
from lyra_zoom.bench.quality_methods import with_true_depth as ours
from lyra_zoom.bench.quality_report import quality_json, quality_table
from lyra_zoom.bench.quality_truth import TrueView, flow_between, true_view
from lyra_zoom.contract.zoom import Trajectory
from lyra_zoom.geometry.image import Size
from lyra_zoom.geometry.rigid import w2c_from

pytestmark = pytest.mark.slow

SEED = 900_002
SIZE = Size(160, 96)
SIZE_SHAPE = (SIZE.height, SIZE.width)
ZOOM_IN, ZOOM_OUT = PRESETS[:1], PRESETS[1:2]


@pytest.fixture(scope="module")
def subject():
    return photograph(SEED, SIZE)


@pytest.fixture(scope="module")
def aside(subject):
    centre = np.array([0.2, 0.0, -0.3]) * subject.subject_depth
    return seen_from(subject, w2c_from(np.eye(3), centre), subject.K)


def seen_from(subject, w2c, intrinsics) -> TrueView:
    view = true_view(subject, w2c, intrinsics)
    assert view is not None
    return view


def test_the_photograph_shows_all_that_it_shows(subject):
    view = seen_from(subject, np.eye(4), subject.K)
    assert view.seen.mean() > 0.999


def test_each_pixel_is_seen_hidden_or_outside(aside):
    masks = np.stack([aside.seen, aside.hidden, aside.outside]).astype(int)
    assert (masks.sum(axis=0) == 1).all()


def test_a_view_does_not_flow_into_itself(aside):
    flow, kept = flow_between(aside, aside)
    height, width = kept.shape
    there = np.stack(np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5), axis=-1)
    assert kept.mean() > 0.99
    assert np.abs(flow - there).max() < 1e-3


def test_every_trajectory_is_judged():
    assert {preset.leg.trajectory for preset in PRESETS} == set(Trajectory)


def test_a_quick_look_is_a_zoom_in_a_zoom_out_and_an_orbit():
    assert [preset.name for preset in QUICK_PRESETS] == [
        "horizontal_zoom in 0.5", "horizontal_zoom out 1.5", "orbit_horizontal in 0.5",
    ]  # fmt: skip


def test_fresh_seeds_come_after_those_looked_at_while_the_engine_was_made():
    assert fresh_seeds(2) == (910_001, 910_002)


def test_the_truth_itself_is_without_fault():
    def truth(subject, path):
        def draw(w2c, intrinsics):
            rgb = seen_from(subject, w2c, intrinsics).rgb
            return Drawn(rgb, np.zeros(rgb.shape[:2], bool))

        return draw

    (row,) = measure_quality(
        generated_subjects([SEED], SIZE), ZOOM_IN, contenders={"truth": truth}
    )
    assert row.figures.seen_psnr == CEILING_DB
    assert row.figures.ssim == pytest.approx(1)
    assert row.figures.hidden_patches == 0
    assert row.figures.flicker == pytest.approx(1)
    assert row.figures.drift == pytest.approx(1)


def judged(change):
    """The figures of a zoom-in whose neighbouring frames are the truth but for a change."""

    def method(subject, path):
        def draw(w2c, intrinsics):
            view = seen_from(subject, w2c, intrinsics)
            odd = np.allclose(w2c, path.w2c[PAIR[1]])
            return Drawn(change(view) if odd else view.rgb, np.zeros(SIZE_SHAPE, bool))

        return draw

    (row,) = measure_quality(
        generated_subjects([SEED], SIZE), ZOOM_OUT, contenders={"changed": method}
    )
    return row.figures


def test_what_the_photograph_does_not_show_may_change_without_flickering():
    unseen = judged(lambda view: np.where(view.seen[..., None], view.rgb, 0).astype(np.uint8))
    assert unseen.drift == pytest.approx(1, abs=0.1)
    seen = judged(lambda view: np.where(view.seen[..., None], 0, view.rgb).astype(np.uint8))
    assert seen.flicker > 5 * unseen.flicker


def test_what_moves_wrongly_drifts_more_than_it_flickers():
    figures = judged(lambda view: np.roll(view.rgb, 2, axis=1))
    assert figures.drift > 1.5 * figures.flicker


def test_a_loops_last_frame_is_not_judged_as_a_view():
    loop = [p for p in PRESETS if p.leg.trajectory is Trajectory.BACK]
    (row,) = measure_quality(
        generated_subjects([SEED], SIZE), loop, contenders={STRETCHED: stretched_mesh}
    )
    assert row.figures.first_psnr == CEILING_DB
    assert row.figures.seen_psnr < CEILING_DB - 10


@pytest.fixture(scope="module")
def rows():
    contenders = {OURS: ours, STRETCHED: stretched_mesh, CUT: cut_mesh}
    return measure_quality(generated_subjects([SEED], SIZE), ZOOM_IN, contenders=contenders)


def test_each_method_gets_a_row(rows):
    assert [row.method for row in rows] == [OURS, STRETCHED, CUT]


def test_our_frames_have_no_holes(rows):
    assert rows[0].figures.holes == 0


def test_what_the_photograph_shows_is_drawn_better_than_what_it_hides(rows):
    assert all(row.figures.seen_psnr > row.figures.hidden_psnr for row in rows)


def test_means_over_one_scene_are_its_figures(rows):
    assert averaged(rows)[ZOOM_IN[0].name, OURS] == pytest.approx(rows[0].figures, nan_ok=True)


def test_the_table_has_a_line_per_method(rows):
    heading, empty, columns, *lines = quality_table(rows).splitlines()
    assert heading == f"means over scenes {SEED} ({rows[0].family}), 160x96"
    assert (empty, columns.split()[:2], len(lines)) == ("", ["move", "method"], len(rows))


def test_json_says_null_where_nothing_was_measured(rows):
    report = json.loads(json.dumps(quality_json(rows)))
    for row, wire in zip(rows, report["rows"], strict=True):
        unknown = math.isnan(row.figures.outside_psnr)
        assert (wire["outside_psnr"] is None) == unknown
        assert (wire["width"], wire["height"]) == (160, 96)
