"""The embedded engine keeps the promise of engines."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys

import numpy as np
import pytest

from lyra_zoom.engines.embedded.depth import BundledDepth, RelativeDepth
from lyra_zoom.engines.embedded.engine import EmbeddedEngine
from lyra_zoom.engines.embedded.scene import scene_from_depth
from lyra_zoom.engines.engine import Photo, Sampling
from lyra_zoom.errors import Cancelled
from lyra_zoom.geometry.image import resize
from lyra_zoom.pipeline.progress import ProgressReport
from tests.places import SIZE, K, box_before_a_wall, leaves, path_through

SAMPLING = Sampling(prompt="a box", seed=7)
PLACES = ((0, 0, 0), (0.6, 0, 0), (0, -0.3, -3), (0, 0, 1.5))
OUT_AND_ASIDE = path_through(*PLACES)


def psnr(a: np.ndarray, b: np.ndarray) -> float:
    error = np.mean((a.astype(np.float64) - b) ** 2)
    return float(10 * np.log10(255**2 / max(error, 1e-12)))


def drawn(engine, scene, path, progress):
    """All frames of the path, one by one."""
    stage = engine.set_up(scene, path, SAMPLING, progress)
    return stage.render(range(len(path)), progress)


def render(path=OUT_AND_ASIDE, detail: int = 1) -> list[np.ndarray]:
    scene = box_before_a_wall(detail)
    return list(drawn(EmbeddedEngine(), scene, path, ProgressReport()))


@pytest.mark.parametrize("detail", [1, 2])
def test_the_first_frame_is_the_photograph(detail):
    first = render(detail=detail)[0]
    assert psnr(first, resize(box_before_a_wall(detail).photo.texture, SIZE)) >= 35


def test_there_is_one_frame_per_camera():
    frames = render()
    assert len(frames) == len(OUT_AND_ASIDE)
    assert all(frame.shape == (SIZE.height, SIZE.width, 3) for frame in frames)


def test_any_frames_of_a_path_can_be_drawn_alone():
    frames = render()
    progress = ProgressReport()
    stage = EmbeddedEngine().set_up(box_before_a_wall(), OUT_AND_ASIDE, SAMPLING, progress)
    for some in (range(2, 4), range(2), range(3, 4)):
        alone = list(stage.render(some, progress))
        assert np.array_equal(alone, [frames[place] for place in some])


def test_a_box_moves_against_the_camera():
    frames = render()
    red = [np.argwhere(f[..., 0] > f[..., 1].astype(int) + 60)[:, 1].mean() for f in frames[:2]]
    assert red[1] < red[0] - 20


def test_leaves_between_leaves_are_not_lost():
    picture, depth = leaves(0)
    scene = scene_from_depth(Photo(texture=picture, size=SIZE), depth, K)
    path = path_through((0, 0, 0), (0.1, 0, 0))
    _, moved = drawn(EmbeddedEngine(), scene, path, ProgressReport())
    assert psnr(moved, leaves(0.1)[0]) > 24


def test_no_frame_has_an_untouched_pixel():
    for frame in render():
        assert (frame.sum(-1) > 0).all()


def test_the_same_shot_gives_the_same_bytes_in_another_process():
    script = (
        "import hashlib;"
        "from tests.unit.test_embedded_engine import render;"
        "print(hashlib.sha256(b''.join(f.tobytes() for f in render())).hexdigest())"
    )
    answers = {
        subprocess.run(
            [sys.executable, "-c", script], capture_output=True, text=True, check=True
        ).stdout.strip()
        for _ in range(2)
    }
    here = hashlib.sha256(b"".join(frame.tobytes() for frame in render())).hexdigest()
    assert answers == {here}


def test_a_cancelled_render_stops():
    progress = ProgressReport()
    frames = drawn(EmbeddedEngine(), box_before_a_wall(), OUT_AND_ASIDE, progress)
    next(frames)
    progress.cancel()
    with pytest.raises(Cancelled):
        list(frames)


def test_the_engine_is_ready_with_the_network_it_comes_with():
    assert EmbeddedEngine().why_not_ready() is None


def test_an_engine_without_its_network_says_so_in_one_sentence(tmp_path):
    engine = EmbeddedEngine(BundledDepth(tmp_path / "depth.onnx"))
    reason = f"there is no depth network at {tmp_path / 'depth.onnx'}"
    assert engine.why_not_ready() == reason


class FlatDepth:
    """A network that sees one distance everywhere, and no sky."""

    def why_not_ready(self):
        return None

    def estimate(self, texture):
        return RelativeDepth(
            np.full((96, 160), 0.5, np.float32), np.zeros((96, 160), np.float32)
        )


class OnlySky:
    """A network that sees nothing but sky."""

    def why_not_ready(self):
        return None

    def estimate(self, texture):
        return RelativeDepth(np.zeros((96, 160), np.float32), np.ones((96, 160), np.float32))


@pytest.mark.parametrize("model", [FlatDepth(), OnlySky()])
def test_a_photograph_without_depth_still_becomes_a_scene(model):
    engine = EmbeddedEngine(model)
    photo = box_before_a_wall().photo
    scene = engine.build_scene(photo, ProgressReport())
    path = path_through(*PLACES, K=scene.K)
    frames = list(drawn(engine, scene, path, ProgressReport()))
    assert psnr(frames[0], photo.texture) >= 35


def test_the_camera_of_a_photograph_without_focal_length_sees_sixty_degrees():
    engine = EmbeddedEngine(FlatDepth())
    scene = engine.build_scene(box_before_a_wall().photo, ProgressReport())
    fov = 2 * np.degrees(np.arctan(SIZE.width / 2 / scene.K[0, 0]))
    assert fov == pytest.approx(60)


def test_people_read_of_compiling_only_while_nothing_is_kept_from_before(tmp_path):
    script = (
        "import numpy as np;"
        "from lyra_zoom.engines.embedded.hole_kernels import close_holes;"
        "from lyra_zoom.engines.embedded.warm_up import is_compiled;"
        "print(is_compiled());"
        "close_holes(np.zeros((8, 8, 3), np.uint8), np.zeros((8, 8), np.bool_), 1)"
    )
    said = [
        subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)},
            capture_output=True, text=True, check=True,
        ).stdout.strip()
        for _ in range(2)
    ]  # fmt: skip
    assert said == ["False", "True"]
