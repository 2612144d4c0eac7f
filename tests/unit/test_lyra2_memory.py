"""The spatial memory: it brings back the frames that the reference brings back."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="the lyra2 engine needs PyTorch")

from lyra_zoom.engines.lyra2.memory import SpatialMemory  # noqa: E402
from lyra_zoom.engines.lyra2.projection import Cameras  # noqa: E402
from lyra_zoom.engines.lyra2.warp import PosedDepth  # noqa: E402
from tests.fakes_lyra2 import golden  # noqa: E402

ENTRIES = range(7)
AHEAD = torch.eye(4)


@pytest.fixture(scope="module")
def reference():
    return {name: torch.from_numpy(array) for name, array in golden("spatial_cache").items()}


@pytest.fixture
def memory(reference):
    memory = SpatialMemory()
    for entry in ENTRIES:
        memory.add(
            int(reference[f"c{entry}|frame_id"]),
            PosedDepth(
                depth=reference[f"c{entry}|depth"],
                w2c=reference[f"c{entry}|w2c"],
                K=reference["K"],
            ),
        )
    return memory


def _targets(reference, w2c):
    w2c = w2c.reshape(-1, 4, 4)
    return Cameras(w2c=w2c, K=reference["K"].expand(len(w2c), 3, 3))


def _flat(reference, depth):
    return PosedDepth(depth=torch.full((48, 64), depth), w2c=AHEAD, K=reference["K"])


@pytest.mark.parametrize("target", ["t0", "t1", "t2"])
def test_remembered_frames_are_those_of_the_reference(memory, reference, target):
    targets = _targets(reference, reference[f"{target}|w2c"])
    expected = reference[f"{target}|retrieved_frame_ids"]
    assert memory.retrieve(targets, most=5) == expected.tolist()


@pytest.mark.parametrize("target", ["t0", "t1", "t2"])
def test_fewer_frames_are_the_best_ones(memory, reference, target):
    targets = _targets(reference, reference[f"{target}|w2c"])
    expected = reference[f"{target}|retrieved_frame_ids_n2"]
    assert memory.retrieve(targets, most=2) == expected.tolist()


def test_kept_points_are_those_of_the_reference(memory, reference):
    torch.testing.assert_close(
        memory.points_world(int(reference["c3|frame_id"])),
        reference["world_points_c3"],
        rtol=0,
        atol=1e-5,
    )


def test_the_photograph_alone_is_brought_back_once(reference):
    memory = SpatialMemory()
    memory.add(0, _flat(reference, 2.0))
    assert memory.retrieve(_targets(reference, AHEAD), most=5) == [0]


def test_a_camera_that_stands_still_needs_no_memory(reference):
    memory = SpatialMemory()
    memory.add(0, _flat(reference, 2.0))
    memory.add(8, _flat(reference, 2.0))
    assert memory.retrieve(_targets(reference, AHEAD), most=5) == []


def test_a_photograph_of_nothing_but_sky_is_still_remembered(reference):
    memory = SpatialMemory()
    memory.add(0, _flat(reference, 1e4))
    assert memory.retrieve(_targets(reference, AHEAD), most=5) == [0]
