"""The lyra2 engine keeps the promise of engines, here with small weights made of chance."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="the lyra2 engine is made of torch")

import torch

from lyra_zoom.contract.zoom import ZoomInput
from lyra_zoom.engines.choose import choose_engine
from lyra_zoom.engines.engine import Photo, Sampling
from lyra_zoom.engines.lyra2.depth import FirstDepth
from lyra_zoom.engines.lyra2.engine import Lyra2Engine, Lyra2Model, as_pictures
from lyra_zoom.engines.lyra2.installed import WeightsFolder
from lyra_zoom.engines.lyra2.loading import load_engine
from lyra_zoom.engines.lyra2.scene import Lyra2Scene
from lyra_zoom.errors import (
    Cancelled,
    EngineNotReady,
    GpuLost,
    GpuMemoryExhausted,
    InputRejected,
    NumbersBroken,
    WeightsUnusable,
)
from lyra_zoom.geometry.camera import CameraPath
from lyra_zoom.geometry.image import Plane, RgbImage, Size
from lyra_zoom.pipeline.film import prepare_film
from lyra_zoom.pipeline.metadata import inspect_film
from lyra_zoom.pipeline.progress import ProgressReport, ProgressUpdate
from lyra_zoom.pipeline.shot import Shot, plan_shot
from lyra_zoom.pipeline.zoom import make_zoom
from lyra_zoom.settings import Settings
from tests.fakes import Notes
from tests.golden.lyra2_recipes import rnd
from tests.lyra2_rollouts import SameDepth
from tests.lyra2_weights import toy_settings, write_toy_weights
from tests.pictures import encoded, landscape

pytestmark = pytest.mark.slow

SIZE = Size(64, 32)
PHOTO = Photo(texture=landscape(Size(128, 64)), size=SIZE)
SAMPLING = Sampling(prompt="a harbour, frozen still", seed=7)
FIRST, SECOND = range(81), range(81, 161)


def shot_of(**fields: object) -> Shot:
    """A shot of the test's own small size."""
    request = ZoomInput.model_validate({"image_url": "x", "prompt": "a harbour", **fields})
    photograph = encoded(PHOTO.texture, "PNG")
    return replace(plan_shot(request, photograph, seed=7), size=SIZE)


def nearer_below(picture: RgbImage) -> Plane:
    """A depth network that takes every picture for a floor."""
    rows = np.linspace(0.2, 1, len(picture), dtype=np.float32)[:, None]
    return np.repeat(rows, picture.shape[1], axis=1)


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    data = tmp_path_factory.mktemp("data")
    write_toy_weights(data)
    return toy_settings(data)


@pytest.fixture(scope="module")
def engine(settings: Settings) -> Lyra2Engine:
    return load_engine(settings, nearer_below, Notes().say)


@pytest.fixture(scope="module")
def scene(engine: Lyra2Engine) -> Lyra2Scene:
    return engine.build_scene(PHOTO, Notes())


@pytest.fixture(scope="module")
def path(scene: Lyra2Scene) -> CameraPath:
    """Forward, slowly, for two chunks."""
    w2c = np.repeat(np.eye(4)[None], 161, axis=0)
    w2c[:, 2, 3] = -np.linspace(0, 0.5, 161) * scene.subject_depth
    return CameraPath(w2c, np.repeat(scene.K[None], 161, axis=0), SIZE)


class Drawn:
    """Both chunks of a leg, drawn by one process, and the state after the first."""

    def __init__(self, engine: Lyra2Engine, scene: Lyra2Scene, path: CameraPath) -> None:
        stage = engine.set_up(scene, path, SAMPLING, Notes())
        self.first = list(stage.render(FIRST, Notes()))
        self.state = stage.state()
        self.second = list(stage.render(SECOND, Notes()))


@pytest.fixture(scope="module")
def drawn(engine: Lyra2Engine, scene: Lyra2Scene, path: CameraPath) -> Drawn:
    return Drawn(engine, scene, path)


def with_networks(engine: Lyra2Engine, **others: Any) -> Lyra2Engine:
    """The engine with some of its networks exchanged."""
    model: Lyra2Model = engine._model
    return Lyra2Engine(replace(model, networks=replace(model.networks, **others)))


class TestFrames:
    def test_frame_0_is_the_photograph_itself(self, drawn: Drawn, scene: Lyra2Scene):
        assert np.array_equal(drawn.first[0], scene.picture)

    def test_every_camera_has_a_frame_of_its_own(self, drawn: Drawn):
        frames = [*drawn.first, *drawn.second]
        assert len(frames) == 161
        assert {(f.shape, f.dtype) for f in frames} == {((32, 64, 3), np.dtype(np.uint8))}
        assert len({frame.tobytes() for frame in frames}) == 161

    def test_a_leg_that_plays_backwards_has_the_same_frames(
        self, engine: Lyra2Engine, scene: Lyra2Scene, path: CameraPath, drawn: Drawn
    ):
        stage = engine.set_up(scene, path, SAMPLING, Notes())
        assert np.array_equal(list(stage.render(FIRST[::-1], Notes())), drawn.first[::-1])

    def test_a_leg_after_another_leaves_out_the_photograph(
        self, engine: Lyra2Engine, scene: Lyra2Scene, path: CameraPath, drawn: Drawn
    ):
        stage = engine.set_up(scene, path, SAMPLING, Notes())
        assert np.array_equal(list(stage.render(range(1, 81), Notes())), drawn.first[1:])

    def test_frames_that_do_not_follow_are_not_drawn(
        self, engine: Lyra2Engine, scene: Lyra2Scene, path: CameraPath
    ):
        stage = engine.set_up(scene, path, SAMPLING, Notes())
        with pytest.raises(ValueError, match="frame 160 does not follow on frame 0"):
            next(stage.render(SECOND, Notes()))

    def test_another_seed_gives_other_frames(
        self, engine: Lyra2Engine, scene: Lyra2Scene, path: CameraPath, drawn: Drawn
    ):
        stage = engine.set_up(scene, path, replace(SAMPLING, seed=8), Notes())
        frames = list(stage.render(range(3), Notes()))
        assert np.array_equal(frames[0], drawn.first[0])
        assert not np.array_equal(frames[2], drawn.first[2])

    def test_the_full_schedule_leaves_nothing_behind_in_the_weights(
        self, engine: Lyra2Engine, scene: Lyra2Scene, path: CameraPath, drawn: Drawn
    ):
        full = replace(SAMPLING, use_dmd=False, num_inference_steps=3)
        stage = engine.set_up(scene, path, full, Notes())
        assert not np.array_equal(list(stage.render(range(3), Notes())), drawn.first[:3])
        stage = engine.set_up(scene, path, SAMPLING, Notes())
        assert np.array_equal(list(stage.render(range(3), Notes())), drawn.first[:3])

    def test_bytes_are_cut_off_as_the_reference_does(self):
        values = torch.tensor([-1.5, -1.0, -0.9999, 0.0, 0.9999, 1.0, 7.0])
        pictures = as_pictures(values.expand(1, 3, 1, 7))
        assert pictures[0, 0, :, 0].tolist() == [0, 0, 0, 127, 254, 255, 255]

    def test_the_bytes_of_all_frames_at_once_are_those_of_each_alone(self):
        frames = rnd(3, (4, 3, 6, 10), 0.8)
        levels = ((frames.clamp(-1, 1) + 1) / 2 * 255).byte()
        assert np.array_equal(as_pictures(frames), levels.movedim(1, -1))


class TestGoingOn:
    def test_another_process_goes_on_with_the_same_frames(
        self, settings: Settings, scene: Lyra2Scene, path: CameraPath, drawn: Drawn
    ):
        other = load_engine(settings, nearer_below, Notes().say)
        stage = other.set_up(scene, path, SAMPLING, Notes(), [drawn.state])
        assert np.array_equal(list(stage.render(SECOND, Notes())), drawn.second)

    def test_a_damaged_state_is_computed_again(
        self, engine: Lyra2Engine, scene: Lyra2Scene, path: CameraPath, drawn: Drawn
    ):
        notes = Notes()
        stage = engine.set_up(scene, path, SAMPLING, notes, [drawn.state[:-100]])
        assert np.array_equal(list(stage.render(SECOND, Notes())), drawn.second)
        assert notes.messages == [
            "the state of chunk 0 cannot be read; that chunk is computed again"
        ]

    def test_a_scene_is_the_same_whoever_builds_it(self, settings: Settings, scene: Lyra2Scene):
        other = load_engine(settings, nearer_below, Notes().say).build_scene(PHOTO, Notes())
        assert torch.equal(other.image, scene.image)
        assert torch.equal(other.seen_depth, scene.seen_depth)
        assert np.array_equal(other.K, scene.K)


class TestFilm:
    def test_a_film_of_both_directions_is_the_same_whoever_makes_which_chunk(
        self, settings: Settings, engine: Lyra2Engine, tmp_path: Path
    ):
        shot = shot_of(zoom_direction="both", num_frames=161)
        timings = make_zoom(shot, engine, tmp_path / "alone.mp4", ProgressReport())
        segments: list[Path] = []
        states: list[bytes] = []
        for index in range(4):
            other = load_engine(settings, nearer_below, Notes().say)
            film = prepare_film(shot, other, Notes())
            segments.append(tmp_path / f"{index}.mp4")
            before = states[-1:] if index % 2 else []  # each leg has two chunks
            film.render_chunk(film.chunks[index], segments[-1], Notes(), before)
            states.append(film.state() or b"")
        film.join(tmp_path / "shared.mp4", segments)
        alone = (tmp_path / "alone.mp4").read_bytes()
        assert (tmp_path / "shared.mp4").read_bytes() == alone
        assert inspect_film(tmp_path / "alone.mp4").num_frames == 321
        assert timings.zoom_in_s is not None
        assert timings.zoom_out_s is not None


class TestScene:
    def test_a_camera_that_nobody_tells_is_a_usual_one(self, scene: Lyra2Scene):
        assert (scene.K[0, 0], scene.K[0, 2], scene.K[1, 2]) == (1.5 * 64, 32, 16)

    def test_the_camera_of_the_depth_model_goes_before_that_of_the_file(
        self, engine: Lyra2Engine
    ):
        class Sees(SameDepth):
            def first(self, image: torch.Tensor) -> FirstDepth:
                return replace(super().first(image), K=torch.diag(torch.tensor([70.0, 71, 1])))

        sees = with_networks(engine, depth=Sees(2.0))
        scene = sees.build_scene(replace(PHOTO, focal_px=50.0), Notes())
        assert (scene.K[0, 0], scene.K[1, 1]) == (70, 71)

    def test_the_photograph_tells_its_own_focal_length(self, engine: Lyra2Engine):
        scene = engine.build_scene(replace(PHOTO, focal_px=50.0), Notes())
        assert (scene.K[0, 0], scene.K[0, 2], scene.K[1, 2]) == (50, 32, 16)

    def test_the_network_sees_the_photograph_between_minus_one_and_one(self, scene: Lyra2Scene):
        expected = torch.from_numpy(scene.picture).permute(2, 0, 1) / 127.5 - 1
        assert torch.allclose(scene.image, expected, atol=1e-6)

    def test_a_video_larger_than_memory_allows_is_refused(self, engine: Lyra2Engine):
        small = Lyra2Engine(replace(engine._model, largest=Size(64, 16)))
        with pytest.raises(InputRejected) as caught:
            small.build_scene(PHOTO, Notes())
        assert (caught.value.field_name, caught.value.kind) == (
            "resolution", "feature_not_supported",
        )  # fmt: skip


class TestProgress:
    def test_a_cancel_is_obeyed_before_the_next_denoise_step(
        self, engine: Lyra2Engine, scene: Lyra2Scene, path: CameraPath
    ):
        steps = 0

        def count(update: ProgressUpdate) -> None:
            nonlocal steps
            steps += update.stage == "denoise"
            if steps == 3:
                report.cancel()

        report = ProgressReport(count)
        stage = engine.set_up(scene, path, SAMPLING, Notes())
        with pytest.raises(Cancelled):
            list(stage.render(FIRST, report))
        assert steps == 3

    def test_every_denoise_step_is_told_with_the_time_that_is_left(
        self, engine: Lyra2Engine, scene: Lyra2Scene, path: CameraPath
    ):
        updates: list[ProgressUpdate] = []
        full = replace(SAMPLING, use_dmd=False, num_inference_steps=6)
        stage = engine.set_up(scene, path, full, Notes())
        list(stage.render(FIRST, ProgressReport(updates.append)))
        denoising = [update for update in updates if update.stage == "denoise"]
        fractions = [update.fraction for update in updates]
        assert len({update.fraction for update in denoising}) >= 7
        assert all(update.eta_s is not None for update in denoising[2:])
        assert fractions == sorted(fractions)


class TestFaults:
    """What a GPU does when it fails, raised on a CPU."""

    @pytest.mark.parametrize(
        ("raised", "error"),
        [
            (torch.OutOfMemoryError("CUDA out of memory."), GpuMemoryExhausted),
            (torch.AcceleratorError("CUDA error: unspecified launch failure"), GpuLost),
            (RuntimeError("CUDA error: the launch timed out and was terminated"), GpuLost),
            (RuntimeError("CUDNN_STATUS_ALLOC_FAILED, cuDNN error"), GpuMemoryExhausted),
            (RuntimeError("shapes do not match"), RuntimeError),
        ],
    )
    def test_a_fault_of_the_gpu_is_named(
        self,
        engine: Lyra2Engine,
        scene: Lyra2Scene,
        path: CameraPath,
        raised: Exception,
        error: type[Exception],
    ):
        class Failing:
            def __call__(self, frame: torch.Tensor) -> torch.Tensor:
                raise raised

            def first(self, image: torch.Tensor) -> None:
                raise raised

        failing = with_networks(engine, image_encoder=Failing(), depth=Failing())
        with pytest.raises(error) as caught:
            failing.build_scene(PHOTO, Notes())
        assert type(caught.value) is error
        stage = failing.set_up(scene, path, SAMPLING, Notes())
        with pytest.raises(error):
            next(stage.render(FIRST, Notes()))

    def test_numbers_that_are_not_finite_are_named(
        self, settings: Settings, scene: Lyra2Scene, path: CameraPath
    ):
        broken = load_engine(settings, nearer_below, Notes().say)
        head = broken._model.networks.transformer.head
        for parameter in head.parameters():
            parameter.fill_(torch.nan)
        stage = broken.set_up(scene, path, SAMPLING, Notes())
        with pytest.raises(NumbersBroken):
            next(stage.render(FIRST, Notes()))


class TestWeights:
    @pytest.fixture
    def own(self, tmp_path: Path) -> WeightsFolder:
        return write_toy_weights(tmp_path)

    def test_auto_takes_lyra2_where_all_is_there(self, own: WeightsFolder, tmp_path: Path):
        notes = Notes()
        assert choose_engine("auto", toy_settings(tmp_path), notes.say).name == "lyra2"
        assert notes.messages[0].startswith("engine: lyra2, on ")

    def test_without_the_licence_the_embedded_engine_serves(
        self, own: WeightsFolder, tmp_path: Path
    ):
        notes = Notes()
        settings = replace(toy_settings(tmp_path), lyra2_licence=None)
        assert choose_engine("auto", settings, notes.say).name == "embedded"
        assert "the licence of its weights was not accepted" in notes.messages[0]

    @pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
    def test_without_a_gpu_the_embedded_engine_serves(self, own: WeightsFolder, tmp_path: Path):
        notes = Notes()
        settings = replace(toy_settings(tmp_path), lyra2_device="cuda")
        assert choose_engine("auto", settings, notes.say).name == "embedded"
        with pytest.raises(EngineNotReady, match=r"CUDA|no GPU"):
            choose_engine("lyra2", settings, notes.say)

    @pytest.mark.parametrize(
        "name",
        ["transformer/model.safetensors", "vae/model.safetensors",
         "negative_prompt.safetensors", "lora/dmd_distillation.safetensors"],
    )  # fmt: skip
    def test_a_damaged_file_is_told_and_the_embedded_engine_serves(
        self, own: WeightsFolder, tmp_path: Path, name: str
    ):
        file = own.path / name
        data = file.read_bytes()
        file.write_bytes(b"\xff" * 200 + data[200:])
        notes = Notes()
        with pytest.raises(WeightsUnusable):
            load_engine(toy_settings(tmp_path), nearer_below, notes.say)
        assert choose_engine("auto", toy_settings(tmp_path), notes.say).name == "embedded"
        assert notes.messages[-1].startswith("engine: embedded, because ")
        assert str(tmp_path) not in notes.messages[-1], "clients read it"

    @pytest.mark.parametrize(
        ("fault", "told_as"),
        [
            (RuntimeError("a mistake of ours"), RuntimeError),
            (KeyError("a mistake of ours"), KeyError),
            (RuntimeError("CUDA error: the launch timed out and was terminated"), GpuLost),
        ],
    )
    def test_only_what_is_wrong_with_files_is_told_of_them(
        self, settings: Settings, fault: Exception, told_as: type[Exception]
    ):
        def fail(message: str) -> None:
            raise fault

        with pytest.raises(told_as):
            load_engine(settings, nearer_below, fail)

    def test_a_file_that_is_not_there_is_told(self, own: WeightsFolder, tmp_path: Path):
        (own.tokenizer / "tokenizer.json").unlink()
        with pytest.raises(WeightsUnusable, match=r"no tokenizer\.json"):
            load_engine(toy_settings(tmp_path), nearer_below, Notes().say)

    def test_weights_of_another_shape_are_told(self, own: WeightsFolder, tmp_path: Path):
        (own.path / "sizes.json").unlink()
        with pytest.raises(WeightsUnusable, match="fit"):
            load_engine(toy_settings(tmp_path), nearer_below, Notes().say)
