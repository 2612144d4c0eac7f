"""How the bundled network is made and judged."""

from __future__ import annotations

import importlib.util
import json
import sys

import numpy as np
import pytest

from lyra_zoom.geometry.image import Size
from tests.reference import reference
from training import evaluate
from training.batches import batches, prepared
from training.data import render_pair, save_shard
from training.metrics import fitted, score


def ramp(shape: tuple[int, int] = (60, 80)) -> np.ndarray:
    """Disparity of a slope with a box on it."""
    true = np.repeat(np.linspace(0.1, 1, shape[0], dtype=np.float32)[:, None], shape[1], axis=1)
    true[20:40, 30:50] = 2.0
    return true


def test_the_truth_itself_scores_perfectly():
    result = score(3 * ramp() - 1, ramp(), dense=False)
    assert result.absrel == pytest.approx(0, abs=1e-5)
    assert result.delta1 == 1
    assert result.ordinal == 0


def test_a_constant_orders_half_of_the_pairs_wrongly():
    assert score(np.zeros((60, 80), np.float32), ramp(), dense=False).ordinal == 0.5


def test_a_prediction_upside_down_earns_no_credit():
    true = ramp().ravel().astype(np.float64)
    assert fitted(-true, true)[0] == 0


def test_our_numbers_agree_with_the_reference_judge():
    path = reference("depth-eval/eval_depth.py")
    folder = reference("depth-eval/depth")
    spec = importlib.util.spec_from_file_location("eval_depth", path)
    assert spec is not None
    assert spec.loader is not None
    judge = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(judge)
    entry = json.loads((folder / "manifest.json").read_text())["gt"][0]
    rgb, true = evaluate.read_pair(folder, entry)
    predicted = judge.heuristic(rgb)
    theirs = judge.score(predicted, true, entry["dense"], np.random.default_rng(7))
    ours = score(predicted, true, entry["dense"])
    for name, value in theirs.items():
        assert getattr(ours, name) == pytest.approx(value, abs=2e-3, nan_ok=True)


def test_the_bundled_network_beats_a_vertical_gradient_on_photographs():
    folder = reference("depth-eval/depth")
    ours = evaluate.mean(
        [s for _, s, _ in evaluate.judge(evaluate.network(None), folder).values()]
    )
    plain = evaluate.mean([s for _, s, _ in evaluate.judge(evaluate.gradient, folder).values()])
    assert ours.ordinal < plain.ordinal
    assert ours.absrel < plain.absrel


def test_prepared_disparity_has_mean_one_outside_the_sky():
    disparity = np.concatenate(
        [np.zeros((5, 10)), np.random.default_rng(0).uniform(1, 3, (5, 10))]
    )
    assert prepared(disparity)[5:].mean() == pytest.approx(1)
    assert (prepared(disparity)[:5] == 0).all()


@pytest.fixture
def shards(tmp_path):
    rng, size = np.random.default_rng(1), Size(96, 96)
    pairs: list[tuple[np.ndarray, np.ndarray]] = []
    while len(pairs) < 4:
        pair = render_pair(int(rng.integers(1 << 20)), size)
        if pair is not None:
            pairs.append(pair)
    save_shard(tmp_path, 0, np.stack([a for a, _ in pairs]), np.stack([b for _, b in pairs]))
    return tmp_path


def test_batches_repeat_themselves_from_a_seed(shards):
    first, second = (next(batches(shards, 2, 96 * 96, seed=3)) for _ in range(2))
    assert first[0].shape[2:] == first[1].shape[2:]
    assert first[0].tobytes() == second[0].tobytes()
    assert first[1].tobytes() == second[1].tobytes()


@pytest.mark.slow
def test_a_few_training_steps_lower_the_loss(shards):
    torch = pytest.importorskip("torch", reason="training needs PyTorch")
    from training.losses import Weights
    from training.network import DepthNet
    from training.train import optimiser_for, train_step

    torch.manual_seed(0)
    net = DepthNet()
    optimiser, generator = optimiser_for(net, 1e-3), torch.Generator().manual_seed(0)
    images, true = next(batches(shards, 2, 96 * 96, seed=3))
    batch = torch.from_numpy(images), torch.from_numpy(true)
    losses = [
        sum(train_step(net, optimiser, batch, Weights(), generator).values()) for _ in range(6)
    ]
    assert losses[-1] < losses[0]
    assert "training.encoder_weights" not in sys.modules
