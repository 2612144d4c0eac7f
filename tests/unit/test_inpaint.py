from __future__ import annotations

import subprocess
import sys

import cv2
import numpy as np
import pytest
from PIL import Image

from lyra_zoom.engines.embedded.inpaint import inpaint_behind
from lyra_zoom.engines.embedded.patchmatch_kernels import (
    COLUMN_WEIGHT,
    NO_MATCH,
    RADIUS,
    ROW_WEIGHT,
    SIDE,
    Level,
    complete_matches,
    match_cost,
    refine_matches,
    search,
    vote,
)
from tests.reference import reference

HEIGHT, WIDTH = 120, 160
NOWHERE = np.zeros((HEIGHT, WIDTH), bool)
FLAT = np.full((HEIGHT, WIDTH), 0.5, np.float32)
HOLE = NOWHERE.copy()
HOLE[40:80, 60:110] = True


def stripes() -> np.ndarray:
    """Slanted stripes in three colours, smooth enough to compare."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    phase = (2 * np.pi / 20) * (x + 0.5 * y)
    waves = [0.5 + 0.4 * np.sin(phase + shift) for shift in (0, 2, 4)]
    return np.stack(waves, axis=-1).astype(np.float32)


def grain(seed: int = 3) -> np.ndarray:
    """Grey noise with some structure, without any strong colour."""
    noise = np.random.default_rng(seed).random((HEIGHT, WIDTH, 1)).astype(np.float32)
    grey = cv2.GaussianBlur(noise, (0, 0), 1.5)[..., None]
    return np.repeat(0.5 + 2 * (grey - 0.5), 3, axis=2).clip(0.2, 0.8)


class TestWhatIsInvented:
    def test_pixels_that_are_not_hidden_stay_exactly_as_they_are(self):
        filled = inpaint_behind(grain(), HOLE, NOWHERE, FLAT, seed=1)
        assert np.array_equal(filled[~HOLE], grain()[~HOLE])

    def test_a_pattern_goes_on_through_the_hole(self):
        filled = inpaint_behind(stripes(), HOLE, NOWHERE, FLAT, seed=1)
        assert np.sqrt(np.mean(np.square(filled - stripes())[HOLE])) < 0.05

    def test_grain_is_as_strong_inside_the_hole_as_outside(self):
        filled = inpaint_behind(grain(), HOLE, NOWHERE, FLAT, seed=1)
        detail = np.abs(cv2.Laplacian(filled[..., 0], cv2.CV_32F))
        assert 0.7 < detail[HOLE].mean() / detail[~HOLE].mean() < 1.2

    def test_what_was_hidden_does_not_show(self):
        other = grain()
        other[HOLE] = (1, 0, 0)
        filled = inpaint_behind(other, HOLE, NOWHERE, FLAT, seed=1)
        assert np.array_equal(filled, inpaint_behind(grain(), HOLE, NOWHERE, FLAT, seed=1))

    def test_barred_pixels_are_never_copied(self):
        picture, barred = grain(), NOWHERE.copy()
        barred[50:90, 110:150] = True
        picture[barred] = (1, 0, 0)
        filled = inpaint_behind(picture, HOLE, barred, FLAT, seed=1)[HOLE]
        assert (filled[:, 0] - filled[:, 1]).max() < 0.02

    def test_colours_stay_in_the_range_of_what_may_be_copied(self):
        picture, barred = grain(), NOWHERE.copy()
        barred[:10] = True
        picture[barred] = (0, 1, 0)
        filled = inpaint_behind(picture, HOLE, barred, FLAT, seed=1)[HOLE]
        assert filled.min() >= picture[~barred].min()
        assert filled.max() <= picture[~barred].max()

    def test_the_guide_says_which_surface_goes_on_where(self):
        picture, guide = grain(), FLAT * 0
        picture[60:, :, 2] *= 0.3
        guide[60:] = 1
        picture[HOLE] = 0
        filled = inpaint_behind(picture, HOLE, NOWHERE, guide, seed=1)
        is_ground = filled[..., 2] < 0.6 * filled[..., 0]
        assert np.mean(is_ground == (guide > 0.5)) > 0.99

    def test_there_is_no_step_at_the_seam(self):
        ramp = np.linspace(0.2, 0.6, WIDTH, dtype=np.float32)
        slope = ramp[None, :, None] + 0.1 * grain()
        filled = inpaint_behind(slope, HOLE, NOWHERE, FLAT, seed=1)
        left = filled[40:80, 58:62].mean(axis=(0, 2))
        right = filled[40:80, 108:112].mean(axis=(0, 2))
        assert max(np.abs(np.diff(left)).max(), np.abs(np.diff(right)).max()) < 0.02


class TestOddInput:
    def test_nothing_hidden_is_nothing_done(self):
        assert np.array_equal(inpaint_behind(grain(), NOWHERE, NOWHERE, FLAT, 1), grain())

    def test_everything_hidden_becomes_smooth(self):
        filled = inpaint_behind(grain(), ~NOWHERE, NOWHERE, FLAT, seed=1)
        assert np.ptp(filled) < 0.01

    def test_without_a_whole_patch_to_copy_the_hole_becomes_smooth(self):
        scattered = np.zeros_like(NOWHERE)
        scattered[::3, ::3] = True
        filled = inpaint_behind(grain(), ~scattered, NOWHERE, FLAT, seed=1)
        assert np.array_equal(filled[scattered], grain()[scattered])
        assert np.isfinite(filled).all()

    @pytest.mark.parametrize("shape", [(1, 1), (5, 9), (7, 7), (61, 83), (113, 57)])
    def test_any_size_will_do(self, shape):
        picture = np.full((*shape, 3), 0.4, np.float32)
        hidden = np.zeros(shape, bool)
        hidden[shape[0] // 3 : shape[0] // 2 + 1, shape[1] // 3 : shape[1] // 2 + 1] = True
        hidden[0, 0] = True
        guide = np.zeros(shape, np.float32)
        filled = inpaint_behind(picture, hidden, np.zeros(shape, bool), guide, seed=1)
        assert np.allclose(filled, 0.4, atol=1e-6)

    def test_lines_too_thin_for_the_coarse_levels_are_filled(self):
        hidden = NOWHERE.copy()
        hidden[::12] = hidden[:, ::12] = True
        filled = inpaint_behind(stripes(), hidden, NOWHERE, FLAT, seed=1)
        assert np.sqrt(np.mean(np.square(filled - stripes())[hidden])) < 0.05

    def test_a_net_that_leaves_no_whole_patch_at_full_size_is_filled_from_the_coarse_levels(
        self,
    ):
        hidden = NOWHERE.copy()
        hidden[::6] = hidden[:, ::6] = True
        filled = inpaint_behind(stripes(), hidden, NOWHERE, FLAT, seed=1)
        assert np.sqrt(np.mean(np.square(filled - stripes())[hidden])) < 0.2

    def test_a_wide_picture_is_copied_from_the_matches_of_a_narrower_one(self):
        wide = np.tile(stripes(), (1, 7, 1))
        hidden = np.tile(NOWHERE, (1, 7))
        hidden[30:90, 500:560] = True
        guide = np.tile(FLAT, (1, 7))
        filled = inpaint_behind(wide, hidden, np.tile(NOWHERE, (1, 7)), guide, seed=1)
        assert np.sqrt(np.mean(np.square(filled - wide)[hidden])) < 0.08


class TestChance:
    def test_the_same_seed_gives_the_same_bytes(self):
        first, second = (inpaint_behind(grain(), HOLE, NOWHERE, FLAT, 7) for _ in range(2))
        assert first.tobytes() == second.tobytes()

    def test_another_seed_gives_another_picture(self):
        first, second = (inpaint_behind(grain(), HOLE, NOWHERE, FLAT, seed) for seed in (7, 8))
        assert first.tobytes() != second.tobytes()

    @pytest.mark.slow
    def test_two_processes_give_the_same_bytes(self):
        program = (
            "import hashlib\n"
            "from tests.unit.test_inpaint import *\n"
            "filled = inpaint_behind(grain(), HOLE, NOWHERE, FLAT, 7)\n"
            "print(hashlib.sha256(filled.tobytes()).hexdigest())\n"
        )
        answers = {
            subprocess.run(
                [sys.executable, "-c", program], check=True, capture_output=True
            ).stdout
            for _ in range(2)
        }
        assert len(answers) == 1


class TestOnAPhotograph:
    def test_a_hole_in_cobbles_is_filled_with_as_much_detail(self):
        photo = Image.open(reference("samples/06.png")).convert("RGB").resize((832, 480))
        colour = np.asarray(photo, np.float32) / 255
        hidden = np.zeros((480, 832), bool)
        hidden[400:460, 300:480] = True
        guide = np.repeat(np.linspace(0, 1, 480, dtype=np.float32)[:, None], 832, axis=1)
        filled = inpaint_behind(colour, hidden, np.zeros_like(hidden), guide, seed=1)
        before, after = (np.abs(cv2.Laplacian(p[..., 1], cv2.CV_32F)) for p in (colour, filled))
        assert 0.6 < after[hidden].mean() / before[hidden].mean() < 1.2


def level(seed: int = 2) -> Level:
    """A small level of random features with a hole, every target matched at random."""
    rng = np.random.default_rng(seed)
    shape = (26, 31)
    features = rng.random((*shape, 4)).astype(np.float32)
    valid = np.zeros(shape, bool)
    valid[RADIUS:10, RADIUS:-RADIUS] = True
    ys, xs = np.mgrid[16:22, 10:20]
    made = Level(
        features=features,
        weight=rng.random(shape).astype(np.float32),
        valid=valid,
        targets=np.stack([ys.ravel(), xs.ravel()], axis=1).astype(np.int32),
        matches=np.full((*shape, 2), NO_MATCH, np.int32),
        costs=np.zeros(shape, np.float32),
    )
    complete_matches(made, np.argwhere(valid).astype(np.int32), np.array([9], np.uint64))
    return made


def cost_slowly(made: Level, target: np.ndarray, source: np.ndarray) -> float:
    total = 0.0
    for i in range(-RADIUS, RADIUS + 1):
        for j in range(-RADIUS, RADIUS + 1):
            shift = np.array([i, j])
            there, here = (
                made.features[tuple(source + shift)],
                made.features[tuple(target + shift)],
            )
            squares = np.square(here.astype(float) - there)
            total += made.weight[tuple(target + shift)] * squares[:3].sum() + squares[3]
    away = (target - source) / made.weight.shape[0] * [ROW_WEIGHT, COLUMN_WEIGHT]
    return total / SIDE**2 + np.square(away).sum()


class TestKernels:
    def test_a_cost_agrees_with_its_slow_twin(self):
        made, source = level(), np.array([5, 7])
        for target in made.targets[::7]:
            (ty, tx), (sy, sx) = target, source
            fast = match_cost(made, ty, tx, sy, sx, np.float32(np.inf))
            assert fast == pytest.approx(cost_slowly(made, target, source), rel=1e-5)

    def test_a_vote_agrees_with_its_slow_twin(self):
        made, pixels = level(), np.array([[17, 12], [20, 23], [0, 0]], np.int32)
        search(made, made.targets, reach=4, sweeps=2, state=np.array([5], np.uint64))
        assert np.allclose(vote(made, pixels, 0.1), _votes_slowly(made, pixels, 0.1), atol=1e-5)

    def test_a_search_finds_nearly_the_best_match_of_every_target(self):
        made = level()
        search(made, made.targets, reach=31, sweeps=60, state=np.array([5], np.uint64))
        sources = np.argwhere(made.valid)
        for target in made.targets[::11]:
            best = min(cost_slowly(made, target, source) for source in sources)
            assert made.costs[tuple(target)] < 1.1 * best

    def test_a_search_never_makes_a_match_worse(self):
        made = level()
        search(made, made.targets, reach=2, sweeps=0, state=np.array([5], np.uint64))
        before = made.costs.copy()
        search(made, made.targets, reach=2, sweeps=3, state=np.array([5], np.uint64))
        assert np.all(made.costs <= before)

    def test_a_search_only_ends_on_patches_that_may_be_copied(self):
        made = level()
        search(made, made.targets, reach=31, sweeps=6, state=np.array([5], np.uint64))
        ends = made.matches[tuple(made.targets.T)]
        assert made.valid[tuple(ends.T)].all()

    def test_bands_of_rows_find_the_same_in_either_order(self):
        found = []
        for order in ((0, 1), (1, 0)):
            made = level()
            bands = np.split(made.targets, [30])
            for k in order:
                search(made, bands[k], reach=8, sweeps=4, state=np.array([5 + k], np.uint64))
            found.append(made.matches)
        np.testing.assert_array_equal(found[0], found[1])

    def test_a_coarse_match_is_the_same_shift_on_the_finer_level(self):
        made = level()
        made.matches[:] = NO_MATCH
        coarse = np.full((13, 16, 2), NO_MATCH, np.int32)
        coarse[8, 5] = (3, 7)
        refine_matches(coarse, made)
        assert tuple(made.matches[17, 10]) == (7, 14)
        assert tuple(made.matches[18, 10]) == (NO_MATCH, NO_MATCH)


def _votes_slowly(made, pixels, scale):
    answers = []
    for y, x in pixels:
        colours, says = [], []
        for ty, tx in made.targets:
            if abs(ty - y) <= RADIUS and abs(tx - x) <= RADIUS:
                source = made.matches[ty, tx] + (y - ty, x - tx)
                fit = 1 / (1 + made.costs[ty, tx] / scale)
                colours.append(made.features[tuple(source)][:3])
                says.append(fit**2 * (made.weight[ty, tx] + 0.01))
        unmoved = made.features[y, x, :3]
        answers.append(np.average(colours, axis=0, weights=says) if says else unmoved)
    return np.array(answers)
