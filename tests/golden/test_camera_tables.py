"""Camera paths against numbers: our own table, and what the Lyra 2.0 reference computed."""

from __future__ import annotations

import json

import numpy as np
import pytest

from lyra_zoom.contract.zoom import Direction, Trajectory
from lyra_zoom.geometry.depth import subject_depth
from lyra_zoom.geometry.image import Size
from lyra_zoom.geometry.rigid import camera_centre_world
from lyra_zoom.pipeline.cameras import SourceView, build_path, plan_leg
from lyra_zoom.pipeline.moves import MOVES, Way
from lyra_zoom.pipeline.shot import Leg
from tests.golden.camera_tables import OPEN_SKY, OURS, REFERENCE, planned_table
from tests.reference import reference

EQUAL_PRESETS = ["horizontal_zoom", "horizontal_zoom_bend", "orbit_horizontal"]
TOWARDS = {"right": True, "left": False}  # the reference's words for in and out
FLOAT32_ROUNDING = 5e-7


def level_centres(name: str, way: Way) -> np.ndarray:
    """The camera centres of a move before the out leg's lift."""
    return MOVES[Trajectory(name)](way).centres_world


def way_of(key: str) -> tuple[str, Way]:
    """Preset and way from the reference's key `preset|direction|s0.5|N81|d2.0`."""
    name, side, strength, frames, depth = key.split("|")[:5]
    way = Way(
        towards=TOWARDS[side],
        strength=float(strength[1:]),
        subject_depth=float(depth[1:]),
        num_frames=int(frames[1:]),
    )
    return name, way


def without_lift(name: str, way: Way) -> np.ndarray:
    """Our path with the lift of the out leg taken off again, as the reference tables are."""
    w2c = build_path(Trajectory(name), way, OPEN_SKY).w2c
    centres = level_centres(name, way)
    level = w2c.copy()
    level[:, :3, 3] = -np.einsum("fij,fj->fi", w2c[:, :3, :3], centres)
    return level


@pytest.fixture(scope="module")
def tables():
    return np.load(reference("golden/trajectories_api.npz"))


@pytest.fixture(scope="module")
def prepared():
    return np.load(reference("golden/direction_prep.npz"))


@pytest.fixture(scope="module")
def view(prepared):
    depth = prepared["depth"]
    return SourceView(
        K=prepared["K_in"].astype(np.float64),
        size=Size.of(depth),
        depth=np.full_like(depth, np.inf),  # free space is ours alone: keep it out of this
        subject_depth=subject_depth(depth, prepared["mask"] > 0.5),
    )


def test_planned_paths_equal_the_table():
    kept, now = json.loads(OURS.read_text()), planned_table()
    assert kept.keys() == now.keys()
    for name, rows in kept.items():
        for row, row_now in zip(rows, now[name], strict=True):
            assert np.array(row_now["w2c"]) == pytest.approx(np.array(row["w2c"]), abs=2e-6), (
                name
            )
            assert row_now["focal_px"] == pytest.approx(row["focal_px"], abs=1e-3), name


REFERENCE_TABLE = json.loads(REFERENCE.read_text())


@pytest.mark.parametrize("key", REFERENCE_TABLE)
def test_equal_presets_equal_the_small_reference_table(key):
    name, way = way_of(f"{key}|N81|d2.0")
    level = without_lift(name, way)
    for row in REFERENCE_TABLE[key]:
        expected = np.array(row["w2c"])
        assert level[row["frame"], :3] == pytest.approx(expected, abs=FLOAT32_ROUNDING)


class TestWholeReferenceTables:
    def test_equal_presets_equal_the_reference_in_every_frame(self, tables):
        keys = [key for key in tables.files if key.split("|")[0] in EQUAL_PRESETS]
        assert len(keys) == 24
        for key in keys:
            name, way = way_of(key)
            error = np.abs(without_lift(name, way) - tables[key]).max()
            assert error < FLOAT32_ROUNDING, key

    def test_a_spiral_adds_an_approach_to_the_circles_of_the_reference(self, tables):
        for key in (key for key in tables.files if key.startswith("spiral")):
            name, way = way_of(key)
            theirs = np.stack([camera_centre_world(w2c) for w2c in tables[key].astype(float)])
            ours = level_centres(name, way)
            assert ours[:, :2] == pytest.approx(theirs[:, :2], abs=1e-6)
            assert theirs[:, 2] == pytest.approx(0, abs=1e-6)
            assert ours[-1, 2] == pytest.approx(way.reach)

    def test_a_dolly_zoom_does_not_flip_where_the_reference_does(self, tables):
        theirs = tables["dolly_zoom|right|s0.5|N81|d2.0|w2c"]
        assert theirs[-1, 0, 0] == pytest.approx(-1)
        _, way = way_of("dolly_zoom|right|s0.5|N81|d2.0")
        ours = build_path(Trajectory.DOLLY_ZOOM, way, OPEN_SKY)
        assert np.array_equal(ours.w2c[-1, :3, :3], np.eye(3))

    def test_back_moves_where_the_reference_stands_still(self, tables):
        theirs = tables["back|right|s0.5|N81|d2.0|w2c"][:81]
        assert np.array_equal(theirs, np.broadcast_to(np.eye(4), theirs.shape))
        _, way = way_of("back|right|s0.5|N81|d2.0")
        assert np.ptp(level_centres("back", way)[:, 2]) == pytest.approx(way.reach)


class TestDirectionPreparation:
    """The reference's whole preparation: subject depth from the depth map, path, lift."""

    def test_the_subject_depth_equals_the_reference(self, prepared, view):
        assert view.subject_depth == pytest.approx(
            float(prepared["center_depth_q25"]), rel=1e-6
        )

    @pytest.mark.parametrize("case", ["case0", "case1", "case2"])
    def test_paths_equal_the_reference_lift_and_all(self, prepared, view, case):
        trajectory, side = str(prepared[f"{case}|name"]).split("|")
        strength, num_frames = prepared[f"{case}|params"][:2]
        leg = Leg(
            direction=Direction.IN if TOWARDS[side] else Direction.OUT,
            trajectory=Trajectory(trajectory),
            strength=float(strength),
            num_frames=int(num_frames),
        )
        path = plan_leg(leg, view, lambda _: None)
        assert np.abs(path.w2c - prepared[f"{case}|w2c"]).max() < 1e-6
        assert np.array_equal(path.K, prepared[f"{case}|K"].astype(np.float64))
