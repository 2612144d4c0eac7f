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
from training.batches import Mixture, batches, cropped, prepared, sheared
from training.blender import shards as photo_like
from training.blender.shards import Kind
from training.data import Rendered, render, save_shard
from training.metrics import fitted, score
from training.sources import Sample


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


@pytest.mark.slow
def test_the_bundled_network_beats_the_guide_it_holds_on_photographs():
    folder = reference("depth-eval/depth")
    guide = reference("depth-data/tcmonodepth_tcsmallnet_192x320.onnx")
    ours, theirs = (
        evaluate.mean([s for _, s, _ in evaluate.judge(predict, folder).values()])
        for predict in (evaluate.network(None), evaluate.tcmonodepth(guide))
    )
    assert ours.absrel < theirs.absrel
    assert ours.delta1 > theirs.delta1
    assert ours.ordinal < theirs.ordinal
    assert ours.edge_p > theirs.edge_p
    assert ours.edge_r > theirs.edge_r


def test_the_guide_answers_as_the_published_file_does():
    torch = pytest.importorskip("torch", reason="the guide is a PyTorch network")
    from lyra_zoom.engines.embedded.network import Network
    from training.tcmonodepth import TCMonoDepth, load_tcmonodepth

    published = Network(reference("depth-data/tcmonodepth_tcsmallnet_192x320.onnx"))
    net = TCMonoDepth().eval()
    load_tcmonodepth(net, reference("depth-data/TCMonoDepth_ckpt_small.pt.tar"))
    image = np.random.default_rng(0).random((1, 3, 192, 320), np.float32)
    near, _ = net(torch.from_numpy(image))
    ours = torch.nn.functional.interpolate(near, scale_factor=2.0, mode="bilinear")
    assert np.allclose(ours.numpy(), published.run(image * 255)[0], atol=1e-5)


def test_prepared_disparity_has_mean_one_outside_the_sky():
    disparity = np.concatenate(
        [np.zeros((5, 10)), np.random.default_rng(0).uniform(1, 3, (5, 10))]
    )
    assert prepared(disparity)[5:].mean() == pytest.approx(1)
    assert (prepared(disparity)[:5] == 0).all()


@pytest.fixture
def shards(tmp_path):
    rng, size = np.random.default_rng(1), Size(96, 96)
    pictures: list[Rendered] = []
    while len(pictures) < 4:
        picture = render(int(rng.integers(1 << 20)), size)
        if picture is not None:
            pictures.append(picture)
    folder = tmp_path / "shards"
    folder.mkdir()
    save_shard(folder, 0, pictures)
    return folder


def mixture(shards, **others) -> Mixture:
    return Mixture(
        **{"ray_cast": shards, "blender": None, "count": 2, "area": 96 * 96} | others
    )


def test_batches_repeat_themselves_from_a_seed(shards):
    first, second = (next(batches(mixture(shards), seed=3)) for _ in range(2))
    for one, other in zip(first, second, strict=True):
        assert one.shape == other.shape
        assert one.tobytes() == other.tobytes()


def test_a_batch_knows_normals_and_ground(shards):
    batch = next(batches(mixture(shards), seed=3))
    length = np.linalg.norm(batch.normal, axis=1, keepdims=True)
    assert np.allclose(length[batch.disparity > 0], 1, atol=0.02)
    assert not length[batch.disparity == 0].any()
    assert set(np.unique(batch.ground)) <= {0, 1}


def test_shards_from_before_normals_were_kept_are_still_read(shards):
    for name in ("normal", "kind", "focal"):
        (shards / f"00000.{name}.npy").unlink()
    batch = next(batches(mixture(shards), seed=3))
    assert not batch.normal.any()
    assert (batch.ground == -1).all()


def photo_like_shard(folder) -> None:
    """Two pictures of a floor with a wall of leaves, as Blender's shards hold them."""
    kind = np.full((96, 128), Kind.PLANT)
    kind[48:] = Kind.WATER
    normal = np.zeros((96, 128, 3))
    normal[..., 1] = -127
    depth = np.full((96, 128), 4.0)
    depth[:10] = np.inf
    found = photo_like.Picture(
        rgb=np.full((96, 128, 3), 200, np.uint8), depth=depth, normal=normal, kind=kind,
        K=np.diag([1e6, 1e6, 1]), c2scene=np.eye(4), level=(0, 0, 1), seed=1,
        family="lake", weather="wet",
    )  # fmt: skip
    folder.mkdir()
    photo_like.save_shard(photo_like.shard_path(folder, 0), [found, found])


def test_blenders_shards_take_their_share_of_the_batches(shards, tmp_path):
    photo_like_shard(tmp_path / "blender")
    mixed = mixture(shards, blender=tmp_path / "blender", blender_share=0.5)
    source = batches(mixed, seed=1)
    kinds = [float(next(source).disparity[:, :, 20:].std()) < 1e-6 for _ in range(20)]
    assert 4 <= sum(kinds) <= 16


def test_water_is_ground_while_leaves_teach_no_normals(tmp_path):
    photo_like_shard(tmp_path / "blender")
    batch = next(batches(mixture(None, blender=tmp_path / "blender"), seed=1))
    assert batch.ground[..., -20:, :].all()
    assert not batch.ground[..., :20, :].any()
    assert not batch.normal[..., :20, :].any()
    assert np.allclose(batch.normal[:, 1, -20:, :], -1)


def test_a_windows_normals_still_say_how_disparity_changes():
    focal, size = 80.0, 64
    u, v = np.meshgrid(np.arange(size) + 0.5 - size / 2, np.arange(size) + 0.5 - size / 2)
    n = np.array([0.3, -0.8, -0.52], np.float32)
    n /= np.linalg.norm(n)
    disparity = -(n[0] * u + n[1] * v + n[2] * focal) / focal
    off = (8 / focal, -12 / focal)
    seen = sheared(np.broadcast_to(n, (size, size, 3)), off)[0, 0]
    middle = disparity[int(size / 2 - 12), int(size / 2 + 8)]
    slope = np.array([disparity[0, 1] - disparity[0, 0], disparity[1, 0] - disparity[0, 0]])
    assert seen[:2] / seen[2] == pytest.approx(slope * focal / middle, rel=0.02)


def test_a_mirrored_window_has_mirrored_normals():
    normal = np.zeros((96, 96, 3), np.float32)
    normal[..., 0] = 1
    sample = Sample(
        rgb=np.zeros((96, 96, 3), np.uint8), disparity=np.ones((96, 96), np.float32),
        normal=normal, ground=np.zeros((96, 96), np.float32), focal_px=1e6,
    )  # fmt: skip
    rng = np.random.default_rng(0)
    signs = {float(cropped(sample, (96, 96), rng).normal[0, 0, 0]) for _ in range(20)}
    assert signs == {-1.0, 1.0}


def test_a_folder_without_shards_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="no shards"):
        next(batches(mixture(tmp_path), seed=1))


@pytest.mark.slow
def test_a_few_training_steps_lower_the_loss(shards):
    torch = pytest.importorskip("torch", reason="training needs PyTorch")
    from training.losses import Weights
    from training.network import DepthNet
    from training.train import optimiser_for, train_step

    torch.manual_seed(0)
    net = DepthNet()
    optimiser, generator = optimiser_for(net, 1e-3), torch.Generator().manual_seed(0)
    batch = next(batches(mixture(shards), seed=3))
    losses = [
        sum(train_step(net, optimiser, batch, Weights(), generator).values()) for _ in range(6)
    ]
    assert losses[-1] < losses[0]
    assert "training.encoder_weights" not in sys.modules
