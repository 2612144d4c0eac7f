"""Several processes make one video: the same one, and nobody is left waiting when one fails."""

from __future__ import annotations

import gc
import signal
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest

pytest.importorskip("torch", reason="the lyra2 engine needs PyTorch")

import torch

from lyra_zoom.engines.engine import Photo, Sampling
from lyra_zoom.engines.lyra2.crew import Crew
from lyra_zoom.engines.lyra2.crew_orders import Team
from lyra_zoom.engines.lyra2.engine import Lyra2Engine
from lyra_zoom.engines.lyra2.lead import LeadTransformer, SharedPrompt
from lyra_zoom.engines.lyra2.loading import load_engine
from lyra_zoom.engines.lyra2.transformer_loading import TransformerPlan
from lyra_zoom.errors import Cancelled, GpuLost, GpuMemoryExhausted, WeightsUnusable
from lyra_zoom.geometry.camera import CameraPath
from lyra_zoom.geometry.image import Plane, RgbImage, Size
from lyra_zoom.settings import Settings
from tests.fakes import Notes
from tests.golden.lyra2_recipes import rnd
from tests.lyra2_crews import (
    DISTILLED,
    FULL,
    Drawing,
    alone,
    crew_of,
    lead_until_killed,
    members,
    together,
    write_float32_weights,
)
from tests.lyra2_processes import PROCESSES
from tests.lyra2_weights import TRANSFORMER, toy_settings, write_toy_weights
from tests.pictures import landscape
from tests.receivers import until

pytestmark = pytest.mark.slow

ROUNDING = 2e-5  # of latents about one after a few steps, in float32

SIZE = Size(32, 16)


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> TransformerPlan:
    return write_float32_weights(tmp_path_factory.mktemp("data"))


class AtStep(Notes):
    """Does something before a denoise step, and may raise."""

    def __init__(self, step: int) -> None:
        super().__init__()
        self.left = step

    def advance(self, fraction: float) -> None:
        self.left -= 1
        if self.left == 0:
            self.act()

    def act(self) -> None:
        raise Cancelled("cancelled")


class SignalToMember(AtStep):
    """Sends the one member a signal before the second step."""

    def __init__(self, number: signal.Signals) -> None:
        super().__init__(2)
        self.number = number

    def act(self) -> None:
        (member,) = members()
        member.send_signal(self.number)


@pytest.fixture(scope="class")
def shared(plan: TransformerPlan) -> Iterator[Drawing]:
    """One crew for all tests of a class, in which nothing fails."""
    with together(plan) as drawing:
        yield drawing


class TestTogether:
    @pytest.mark.parametrize("sampling", [DISTILLED, FULL], ids=["distilled", "full"])
    def test_a_chunk_is_the_one_that_is_drawn_alone(
        self, plan: TransformerPlan, shared: Drawing, sampling: Sampling
    ):
        expected = alone(plan).draw(sampling, Notes())
        drawn = shared.draw(sampling, Notes())
        assert expected.std() > 0.1
        torch.testing.assert_close(drawn, expected, rtol=0, atol=ROUNDING)

    def test_after_a_cancelled_chunk_the_next_one_is_right(
        self, plan: TransformerPlan, shared: Drawing
    ):
        with pytest.raises(Cancelled):
            shared.draw(FULL, AtStep(2))
        drawn = shared.draw(DISTILLED, Notes())
        expected = alone(plan).draw(DISTILLED, Notes())
        torch.testing.assert_close(drawn, expected, rtol=0, atol=ROUNDING)

    def test_members_are_told_what_is_needed_no_longer(self, shared: Drawing):
        prompt = shared.transformer.prepare_prompt(rnd(1, (1, 512, TRANSFORMER.text_dim)))
        assert isinstance(prompt, SharedPrompt)
        crew, number = crew_of(shared.transformer), prompt.number
        assert number not in crew._unneeded
        del prompt
        gc.collect()
        assert number in crew._unneeded
        shared.draw(DISTILLED, Notes())
        assert number not in crew._unneeded


class TestFailures:
    def test_a_killed_member_is_a_lost_gpu(self, plan: TransformerPlan):
        with together(plan) as shared:
            meeting = crew_of(shared.transformer)._meeting
            with pytest.raises(GpuLost, match="ended by SIGKILL"):
                shared.draw(DISTILLED, SignalToMember(signal.SIGKILL))
            assert members() == []
            assert not meeting.exists()
            with pytest.raises(GpuLost):
                shared.draw(DISTILLED, Notes())

    def test_a_member_that_dies_while_nobody_works_is_noticed(self, plan: TransformerPlan):
        with together(plan) as shared:
            transformer = shared.transformer
            assert isinstance(transformer, LeadTransformer)
            assert transformer.why_lost() is None
            (member,) = members()
            member.kill()
            until(transformer.why_lost, 20)
            assert "ended by SIGKILL" in (transformer.why_lost() or "")

    def test_a_member_that_does_not_answer_is_ended(self, plan: TransformerPlan):
        with together(plan, timeout_s=5) as shared:
            with pytest.raises(GpuLost):
                shared.draw(DISTILLED, SignalToMember(signal.SIGSTOP))
            assert members() == []

    def test_members_end_with_their_lead(self, plan: TransformerPlan, tmp_path: Path):
        file = tmp_path / "member"
        lead = PROCESSES.Process(target=lead_until_killed, args=(plan, file))
        lead.start()
        until(file.exists, 120)
        member = psutil.Process(int(file.read_text()))
        lead.kill()
        lead.join()
        until(lambda: not member.is_running() or member.status() == psutil.STATUS_ZOMBIE, 20)

    def test_a_member_that_cannot_load_its_weights_says_why(self, plan: TransformerPlan):
        absent = replace(plan, folder=replace(plan.folder, path=plan.folder.path / "absent"))
        crew = Crew(Team(plan=absent, processes=2, device_type="cpu"))
        with pytest.raises(WeightsUnusable, match="the transformer does not fit"):
            crew.meet(alone(plan).transformer)
        assert members() == []

    def test_what_a_member_says_of_its_fault_is_the_reason(self, plan: TransformerPlan):
        words = (
            "import pickle, sys; from lyra_zoom.errors import GpuMemoryExhausted;"
            "sys.stdout.buffer.write(pickle.dumps(GpuMemoryExhausted('too little')))"
        )
        team = Team(plan=plan, processes=3, device_type="cpu")
        crew = Crew(team, command=(sys.executable, "-c", words))
        with pytest.raises(GpuMemoryExhausted, match="too little"):
            crew.meet(alone(plan).transformer)


def nearer_below(picture: RgbImage) -> Plane:
    """A depth network that takes every picture for a floor."""
    rows = np.linspace(0.2, 1, len(picture), dtype=np.float32)[:, None]
    return np.repeat(rows, picture.shape[1], axis=1)


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    data = tmp_path_factory.mktemp("engine")
    write_toy_weights(data)
    return toy_settings(data)


def frames_of(engine: Lyra2Engine) -> np.ndarray:
    """The first frames of a slow move forward."""
    photo = Photo(texture=landscape(Size(128, 64)), size=SIZE)
    scene = engine.build_scene(photo, Notes())
    w2c = np.repeat(np.eye(4)[None], 81, axis=0)
    w2c[:, 2, 3] = -np.linspace(0, 0.3, 81) * scene.subject_depth
    path = CameraPath(w2c, np.repeat(scene.K[None], 81, axis=0), SIZE)
    stage = engine.set_up(scene, path, DISTILLED, Notes())
    return np.stack(list(stage.render(range(81), Notes()))).astype(int)


@pytest.mark.parametrize("memory", ["full", "stream"])
def test_an_engine_with_two_processes_makes_the_frames_of_one(settings: Settings, memory):
    expected = frames_of(load_engine(settings, nearer_below, Notes().say))
    two = replace(settings, lyra2_gpus_per_video=2, lyra2_memory=memory)
    engine = load_engine(two, nearer_below, Notes().say)
    try:
        assert len(members()) == 1
        frames = frames_of(engine)
        assert engine.why_not_ready() is None
    finally:
        crew_of(engine._model.networks.transformer).close()
    assert "gone" in (engine.why_not_ready() or "")
    assert abs(frames - expected).max() <= 1  # weights are in bfloat16: rounding may differ
    assert members() == []


def test_an_engine_that_cannot_be_loaded_leaves_no_process(tmp_path: Path):
    folder = write_toy_weights(tmp_path)
    folder.vae.write_bytes(b"damaged")
    two = replace(toy_settings(tmp_path), lyra2_gpus_per_video=2)
    with pytest.raises(WeightsUnusable):
        load_engine(two, nearer_below, Notes().say)
    assert members() == []
