"""The depth port: whatever the model, later depth is in the units of the cameras given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pytest

pytest.importorskip("torch", reason="the lyra2 engine needs PyTorch")

import torch

from lyra_zoom.engines.lyra2.depth import (
    FirstDepth,
    KnownDepth,
    MetricallyScaled,
    NewFrames,
    believed,
    in_metres,
)
from lyra_zoom.engines.lyra2.depth_da3 import (
    DepthAnything3,
    Sighting,
    eight_bits,
    pictures_for_network,
)
from lyra_zoom.engines.lyra2.depth_points import seen, settled_points
from lyra_zoom.engines.lyra2.depth_relative import SUBJECT_DEPTH, AlignedDepth
from lyra_zoom.engines.lyra2.projection import Cameras, c2w_of, pixel_grid
from lyra_zoom.engines.lyra2.warp import FARTHEST, PosedDepth

HEIGHT, WIDTH = 84, 112
K = torch.tensor([[100.0, 0, WIDTH / 2], [0, 100, HEIGHT / 2], [0, 0, 1]])
IMAGE = torch.zeros(3, HEIGHT, WIDTH)


def slope_seen(w2c: torch.Tensor, intrinsics=K, shape=(HEIGHT, WIDTH)) -> torch.Tensor:
    """True depth of the plane z = 6 + x / 2, by intersecting each pixel's ray with it."""
    normal, distance = torch.tensor([-0.5, 0.0, 1.0]), 6.0
    c2w = c2w_of(w2c)
    rays = pixel_grid(*shape, centre=0.0, device=w2c.device) @ torch.linalg.inv(intrinsics).T
    return (distance - normal @ c2w[:3, 3]) / (rays @ c2w[:3, :3].T @ normal)


def moved(x: float, y: float, z: float, yaw_rad: float = 0.0) -> torch.Tensor:
    """World to camera of a camera that stands at (x, y, z) and is turned about y."""
    c2w = torch.eye(4)
    cos, sin = np.cos(yaw_rad), np.sin(yaw_rad)
    c2w[:3, :3] = torch.tensor([[cos, 0, sin], [0, 1, 0], [-sin, 0, cos]])
    c2w[:3, 3] = torch.tensor([x, y, z])
    return c2w_of(c2w)


def known_from(w2c: torch.Tensor) -> list[PosedDepth]:
    return [PosedDepth(depth=slope_seen(w2c), w2c=w2c, K=K)]


PATHS = {
    "an arc": [moved(0.1 * i, 0.02 * i * i, 0.05 * i, -0.02 * i) for i in range(6)],
    "a straight line": [moved(0, 0, 0.1 * i) for i in range(6)],
    "many views": [moved(0.1 * i, 0.01 * i * i, 0.05 * i) for i in range(12)],
    "one view": [moved(0, 0, 0.5)],
}


def asked(views: list[torch.Tensor], known: KnownDepth = ()) -> NewFrames:
    return NewFrames(
        frames=IMAGE.expand(len(views), 3, HEIGHT, WIDTH),
        cameras=Cameras(w2c=torch.stack(views), K=K.expand(len(views), 3, 3)),
        known=known,
    )


def truth(views: list[torch.Tensor]) -> torch.Tensor:
    return torch.stack([slope_seen(view) for view in views])


# ---------------------------------------------------------------- a network that sees cameras


@dataclass
class OwnUnits:
    """A perfect network, but for the unit it measures in and where it puts the world."""

    views: list[torch.Tensor]
    unit: float = 3.7
    noise: float = 0.0
    wrong: tuple[int, ...] = ()
    seen: list[Cameras | None] = field(default_factory=list)

    def __call__(self, pictures: torch.Tensor, cameras: Cameras | None) -> Sighting:
        self.seen.append(cameras)
        height, width = pictures.shape[2:]
        here = moved(1.0, -2.0, 0.5, 0.7)
        chance = torch.Generator().manual_seed(0)
        w2c = torch.stack([view @ here for view in self.views])
        w2c[:, :3, 3] /= self.unit
        w2c[:, :3, 3] += self.noise * torch.randn(len(w2c), 3, generator=chance)
        for view in self.wrong:
            w2c[view, :3, 3] += 5.0
        small = K * torch.tensor([width / WIDTH, height / HEIGHT, 1.0])[:, None]
        depth = torch.stack([slope_seen(view, small, (height, width)) for view in self.views])
        return Sighting(depth=depth / self.unit, w2c=w2c, K=small.expand(len(w2c), 3, 3))


@pytest.mark.parametrize("path", PATHS)
def test_depth_comes_back_in_the_units_of_the_cameras(path):
    views = PATHS[path]
    model = DepthAnything3(network=OwnUnits(views))
    depth = model.update(asked(views, known_from(torch.eye(4))))
    torch.testing.assert_close(depth, truth(views), rtol=0.02, atol=0)


def test_holes_in_new_depth_lie_as_far_as_anything_can_whatever_the_unit():
    views = PATHS["an arc"]
    whole = OwnUnits(views, unit=0.01)

    def with_holes(pictures: torch.Tensor, cameras: Cameras | None) -> Sighting:
        sighting = whole(pictures, cameras)
        sighting.depth[:, :20], sighting.depth[:, 60:] = torch.nan, torch.inf
        return sighting

    depth = DepthAnything3(network=with_holes).update(asked(views))
    assert bool((depth[:, :20] == FARTHEST).all())
    assert bool((depth[:, 60:] == FARTHEST).all())
    torch.testing.assert_close(depth[:, 20:60], truth(views)[:, 20:60], rtol=0.02, atol=0)


def test_a_few_misplaced_views_do_not_spoil_the_scale():
    views = PATHS["many views"]
    model = DepthAnything3(network=OwnUnits(views, wrong=(3, 8)))
    depth = model.update(asked(views))
    torch.testing.assert_close(depth, truth(views), rtol=0.02, atol=0)


def test_cameras_that_stand_still_do_not_blow_depth_up():
    views = [moved(0, 0, 0)] * 6
    network = OwnUnits(views, noise=1e-3)
    depth = DepthAnything3(network=network).update(asked(views, known_from(views[0])))
    torch.testing.assert_close(depth, truth(views), rtol=0.02, atol=0)
    told = network.seen[0]
    assert told is not None
    assert len(torch.unique(told.w2c, dim=0)) == 6


def test_cameras_that_stand_still_and_nothing_known_leave_the_network_its_word():
    views = [moved(0, 0, 0)] * 3
    depth = DepthAnything3(network=OwnUnits(views, noise=1e-3)).update(asked(views))
    torch.testing.assert_close(3.7 * depth, truth(views), rtol=0.02, atol=0)


def test_the_network_is_told_cameras_relative_to_the_first():
    views = PATHS["an arc"]
    network = OwnUnits(views)
    DepthAnything3(network=network).update(asked(views))
    told = network.seen[0]
    assert told is not None
    torch.testing.assert_close(told.w2c[0], torch.eye(4), rtol=0, atol=1e-6)
    distances = c2w_of(told.w2c)[:, :3, 3].norm(dim=-1)
    assert float(distances.median()) == pytest.approx(1.0, abs=1e-5)
    assert torch.equal(asked(views).cameras.w2c[2], views[2])


def test_cameras_hardly_apart_are_not_blown_up_for_the_network():
    views = [moved(0.001 * i, 0, 0) for i in range(5)]
    network = OwnUnits(views)
    DepthAnything3(network=network).update(asked(views))
    assert network.seen[0] is not None
    assert c2w_of(network.seen[0].w2c)[:, :3, 3].norm(dim=-1).max() < 0.05


def test_the_photograph_gets_depth_and_camera_at_its_own_size():
    image = torch.zeros(3, 90, 118)  # no multiples of 14
    first = DepthAnything3(network=OwnUnits([torch.eye(4)], unit=1.0)).first(image)
    assert first.depth.shape == (90, 118)
    assert first.K is not None
    expected = K * torch.tensor([118 / WIDTH, 90 / HEIGHT, 1.0])[:, None]
    torch.testing.assert_close(first.K, expected, rtol=1e-5, atol=1e-4)
    assert first.valid.all()


@pytest.mark.parametrize(("shape", "patched"), [
    ((480, 832), (476, 826)),
    ((720, 1280), (714, 1274)),
    ((84, 112), (84, 112)),
    ((91, 105), (98, 112)),
])  # fmt: skip
def test_sides_become_the_nearest_multiples_of_a_patch(shape, patched):
    assert pictures_for_network(torch.zeros(1, 3, *shape)).shape[2:] == patched


def test_frames_become_bytes_with_halves_rounded_up():
    levels = torch.tensor([-2.0, -1.0, 0.0, 1.0, 2.0]).repeat(3, 1)[None, :, None]
    assert eight_bits(levels)[0, 0, :, 0].tolist() == [0, 0, 128, 255, 255]


def test_the_photographs_own_bytes_come_back():
    levels = torch.arange(256).repeat(3, 1)[None, :, None]
    assert np.array_equal(eight_bits(levels / 127.5 - 1)[0, 0, :, 0], np.arange(256))


def sees_only_sky(pictures: torch.Tensor, cameras: Cameras | None) -> None:
    """A network that finds nothing to measure."""


def test_a_photograph_of_nothing_but_sky_has_depth_that_nobody_believes():
    first = DepthAnything3(network=sees_only_sky).first(IMAGE)
    assert (float(first.depth.min()), bool(first.valid.any())) == (FARTHEST, False)
    assert first.K is None


def test_frames_of_nothing_but_sky_lie_as_far_as_anything_can():
    depth = DepthAnything3(network=sees_only_sky).update(asked(PATHS["an arc"]))
    assert depth.shape == (6, HEIGHT, WIDTH)
    assert bool((depth == FARTHEST).all())


# ----------------------------------------------------- networks that see one picture at a time


def squinting(views: list[torch.Tensor], change: Callable[[torch.Tensor, int], torch.Tensor]):
    """A relative network that sees each of these views in turn, changed in its own way."""
    turns = iter(range(len(views)))

    def relative(frame: torch.Tensor) -> torch.Tensor:
        turn = next(turns)
        return change(1 / slope_seen(views[turn]), turn)

    return AlignedDepth(relative=relative)


@pytest.mark.parametrize("path", PATHS)
def test_relative_depth_is_aligned_to_what_is_known(path):
    views = PATHS[path]
    model = squinting(views, lambda disparity, turn: (3 + turn) * disparity + 0.2 * turn + 0.1)
    depth = model.update(asked(views, known_from(torch.eye(4))))
    torch.testing.assert_close(depth, truth(views), rtol=0.02, atol=0)


def test_what_newly_hides_the_known_does_not_spoil_the_alignment():
    views = PATHS["an arc"]

    def with_a_post(disparity: torch.Tensor, turn: int) -> torch.Tensor:
        disparity = disparity.clone()
        disparity[:, 10 + 5 * turn : 35 + 5 * turn] = 1.0
        return 5 * disparity + 0.3

    depth = squinting(views, with_a_post).update(asked(views, known_from(torch.eye(4))))
    background = depth > 2
    torch.testing.assert_close(depth[background], truth(views)[background], rtol=0.05, atol=0)
    assert 0.8 < float(depth[~background].median()) < 1.2


def test_what_a_network_bends_is_straightened_where_something_is_known():
    views = PATHS["an arc"]
    column = torch.linspace(-1, 1, WIDTH)
    model = squinting(
        views, lambda disparity, _: 3 * disparity * (1 + 0.15 * (3 * column).sin())
    )
    depth = model.update(asked(views, known_from(torch.eye(4))))
    assert float((depth / truth(views) - 1).abs().median()) < 0.03  # a line alone leaves 0.1


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_a_view_of_nothing_known_is_treated_as_its_neighbour(order):
    both = [moved(0, 0, 0.2), moved(0, 0, 0, yaw_rad=-1.0)]
    views = [both[place] for place in order]
    model = squinting(views, lambda disparity, _: 4 * disparity + 0.1)
    depth = model.update(asked(views, known_from(torch.eye(4))))
    torch.testing.assert_close(depth, truth(views), rtol=0.02, atol=0)


def test_a_network_that_mistakes_near_for_far_is_not_turned_inside_out():
    views = [moved(0, 0, 0.2)]
    model = squinting(views, lambda disparity, _: 1 - disparity)
    depth = model.update(asked(views, known_from(torch.eye(4))))
    assert float(depth.min()) > 0
    assert float(depth.median()) == pytest.approx(float(truth(views).median()), rel=0.2)


def test_nothing_known_at_all_still_gives_depth():
    model = squinting([torch.eye(4)], lambda disparity, _: disparity)
    depth = model.update(asked([torch.eye(4)]))
    assert float(depth.median()) == pytest.approx(SUBJECT_DEPTH, rel=0.01)


def test_the_subject_of_a_photograph_lies_at_a_usual_distance():
    first = squinting([torch.eye(4)], lambda disparity, _: 7 * disparity).first(IMAGE)
    assert float(first.depth.quantile(0.25)) == pytest.approx(SUBJECT_DEPTH, rel=0.01)
    assert first.K is None
    shape = slope_seen(torch.eye(4))
    torch.testing.assert_close(
        first.depth / shape, torch.full_like(shape, first.depth[0, 0] / shape[0, 0])
    )


def test_a_picture_of_one_distance_has_depth():
    first = AlignedDepth(relative=lambda _: torch.zeros(HEIGHT, WIDTH)).first(IMAGE)
    assert first.depth.isfinite().all()
    assert float(first.depth[0, 0]) == pytest.approx(SUBJECT_DEPTH)


# ----------------------------------------------------------------------------- what is known


def test_known_depth_is_seen_where_it_is():
    view = moved(0.3, -0.1, 0.4, 0.1)
    points = seen(settled_points(known_from(torch.eye(4))), view, K, (HEIGHT, WIDTH))
    assert len(points.depth) > 80
    torch.testing.assert_close(points.of(slope_seen(view)), points.depth, rtol=0.02, atol=0)


def test_the_hidden_is_not_seen():
    near = PosedDepth(depth=torch.full((HEIGHT, WIDTH), 2.0), w2c=torch.eye(4), K=K)
    points = settled_points([near, *known_from(torch.eye(4))])
    assert float(seen(points, torch.eye(4), K, (HEIGHT, WIDTH)).depth.max()) == pytest.approx(
        2.0
    )


def test_what_has_no_depth_is_not_known():
    depth = slope_seen(torch.eye(4))
    depth[:, :40], depth[:, 70:] = 0.0, FARTHEST
    points = settled_points([PosedDepth(depth=depth, w2c=torch.eye(4), K=K)])
    assert len(points) == (depth[::8, ::8] > 0).sum() - (depth[::8, ::8] == FARTHEST).sum()


def test_depth_of_a_picture_is_made_sane_wherever_it_came_from():
    depth = torch.tensor([[1.0, float("nan"), float("inf"), -3.0]])
    posed = PosedDepth(depth=depth, w2c=torch.eye(4), K=K)
    assert posed.depth.tolist() == [[1.0, FARTHEST, FARTHEST, 0.0]]


# --------------------------------------------------------------------------- the photograph


def test_what_is_no_number_lies_far_away_and_is_not_believed():
    depth = torch.tensor([[1.0, float("nan"), float("inf"), -3.0, 2e4, 999.95]])
    first = believed(depth)
    assert first.depth.tolist() == [
        [1.0, FARTHEST, FARTHEST, 0.0, FARTHEST, pytest.approx(999.95)]
    ]
    assert first.valid.tolist() == [[True, False, False, True, False, False]]


def test_metres_change_the_unit_and_nothing_else():
    depth = slope_seen(torch.eye(4))
    first = FirstDepth(depth=depth, valid=torch.ones_like(depth, dtype=torch.bool), K=K)
    scaled = in_metres(first, FirstDepth(depth=2.5 * depth, valid=first.valid))
    torch.testing.assert_close(scaled.depth, 2.5 * depth, rtol=1e-4, atol=0)
    assert scaled.K is first.K


def test_metres_are_weighed_by_disparity():
    """The near counts most; what either model does not believe does not count."""
    depth = torch.full((4, 8), 1.0)
    depth[:, 4:] = 100.0
    metres = 2 * depth
    metres[:, 4:] = 900.0
    known = torch.ones(4, 8, dtype=torch.bool)
    metres[0], known[0] = 1e-3, False
    first = FirstDepth(depth=depth, valid=torch.ones(4, 8, dtype=torch.bool))
    scaled = in_metres(first, FirstDepth(depth=metres, valid=known))
    assert float(scaled.depth[0, 0]) == pytest.approx(2.0, rel=0.01)


def test_where_a_metric_model_believes_nothing_depth_keeps_its_unit():
    first = believed(slope_seen(torch.eye(4)), K)
    assert in_metres(first, believed(torch.full((HEIGHT, WIDTH), torch.inf))) is first


def test_metres_of_too_few_pixels_are_not_used():
    depth = slope_seen(torch.eye(4))
    valid = torch.zeros_like(depth, dtype=torch.bool)
    valid[0, :10] = True
    first = FirstDepth(depth=depth, valid=valid)
    metric = FirstDepth(depth=2 * depth, valid=~valid | valid)
    assert in_metres(first, metric) is first


def test_a_relative_model_with_a_metric_one_beside_it_measures_in_metres():
    depth = slope_seen(torch.eye(4))
    model = MetricallyScaled(
        estimator=squinting([torch.eye(4)] * 2, lambda disparity, _: disparity),
        metric=lambda _: believed(depth),
    )
    torch.testing.assert_close(model.first(IMAGE).depth, depth, rtol=0.01, atol=0)
    later = model.update(asked([torch.eye(4)], known_from(torch.eye(4))))
    torch.testing.assert_close(later[0], depth, rtol=0.01, atol=0)
