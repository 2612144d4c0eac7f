"""How good the pictures are: places, their true views, and what each method draws of them.

Fresh seeds are scenes that nothing was tuned on and that the depth network never saw. Those
before them were looked at while the engine was made.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np

from lyra_zoom.bench.metrics import (
    inner,
    own_flow,
    patch_distance,
    psnr,
    restlessness,
    ssim,
    texture_ratio,
)
from lyra_zoom.bench.quality_generated import photograph
from lyra_zoom.bench.quality_methods import Draw, Method, methods
from lyra_zoom.bench.quality_truth import (
    Subject,
    TrueView,
    flow_between,
    true_view,
)
from lyra_zoom.contract.zoom import Direction, Trajectory
from lyra_zoom.geometry.camera import CameraPath
from lyra_zoom.geometry.image import RgbImage, Size
from lyra_zoom.pipeline.cameras import SourceView, plan_leg
from lyra_zoom.pipeline.shot import Leg

NUM_FRAMES = 81
FRAMES = (20, 40, 80)
PAIR = (40, 41)  # the neighbours whose restlessness is measured
UNREST_MARGIN_PX = 2  # between pixels judged for it and those the photograph does not show
CEILING_DB = 60.0  # what an infinite PSNR counts as in a mean
DEFAULT_SIZE = Size(832, 480)
FIRST_FRESH_SEED = 910_001


@dataclass(frozen=True, slots=True)
class Preset:
    """A camera move to judge, with the strength it has by default."""

    name: str
    leg: Leg


def _preset(direction: Direction, trajectory: Trajectory, strength: float) -> Preset:
    leg = Leg(
        direction=direction, trajectory=trajectory, strength=strength, num_frames=NUM_FRAMES
    )
    return Preset(f"{trajectory} {direction} {strength:g}", leg)


PRESETS = (
    _preset(Direction.IN, Trajectory.HORIZONTAL_ZOOM, 0.5),
    _preset(Direction.OUT, Trajectory.HORIZONTAL_ZOOM, 1.5),
    _preset(Direction.IN, Trajectory.ORBIT_HORIZONTAL, 0.5),
    _preset(Direction.IN, Trajectory.SPIRAL, 0.5),
    _preset(Direction.IN, Trajectory.HORIZONTAL_ZOOM_BEND, 0.5),
    _preset(Direction.IN, Trajectory.DOLLY_ZOOM, 0.5),
    _preset(Direction.IN, Trajectory.BACK, 0.5),
)
QUICK_PRESETS = PRESETS[:3]


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityFigures:
    """What is measured; NaN where a view has too few such pixels. PSNR in dB.

    `seen`, `hidden` and `outside` are the pixels whose world point the photograph shows, does
    not show, or does not reach. `texture` is fine detail divided by the truth's, `patches` the
    sliced Wasserstein distance from its patches. `flicker` and `drift` are the difference of
    neighbouring frames in seen pixels, divided by the truth's: along the motion that these
    pictures show, and along the true one, which those drawn with wrong depth do not follow.
    """

    seen_psnr: float
    seen_ssim: float
    hidden_psnr: float
    hidden_texture: float
    hidden_patches: float
    outside_psnr: float
    outside_texture: float
    outside_patches: float
    ssim: float
    holes: float
    first_psnr: float
    flicker: float
    drift: float


@dataclass(frozen=True, slots=True, kw_only=True)
class QualityRow:
    """One method on one move through one scene: means over its frames."""

    seed: int
    family: str
    size: Size
    preset: str
    method: str
    figures: QualityFigures


@dataclass(frozen=True, slots=True)
class Trial:
    """A subject, a path through it, and the truth along it."""

    subject: Subject
    path: CameraPath
    views: Mapping[int, TrueView]


def fresh_seeds(scenes: int) -> tuple[int, ...]:
    """The first so many fresh seeds."""
    return tuple(range(FIRST_FRESH_SEED, FIRST_FRESH_SEED + scenes))


def generated_subjects(seeds: Iterable[int], size: Size = DEFAULT_SIZE) -> Iterator[Subject]:
    """The generated scenes of some seeds, photographed."""
    return (photograph(seed, size) for seed in seeds)


def measure_quality(
    subjects: Iterable[Subject],
    presets: Sequence[Preset] = PRESETS,
    say: Callable[[str], None] = lambda what: None,
    contenders: Mapping[str, Method] | None = None,
) -> list[QualityRow]:
    """One row per place, preset and method; a move that the scene blocks has none."""
    contenders = contenders or methods()
    return [
        QualityRow(
            seed=trial.subject.seed,
            family=trial.subject.family,
            size=trial.subject.photo.size,
            preset=preset.name,
            method=name,
            figures=judge(method(trial.subject, trial.path), trial),
        )
        for preset, trial in trials(subjects, presets, say)
        for name, method in contenders.items()
    ]


def trials(
    subjects: Iterable[Subject], presets: Sequence[Preset], say: Callable[[str], None]
) -> Iterator[tuple[Preset, Trial]]:
    """Every move through every place that has a truth, with a word about each."""
    for subject in subjects:
        for preset in presets:
            say(f"scene {subject.seed} ({subject.family}), {preset.name}")
            trial = _trial(subject, preset)
            if trial is None:
                say("left out: the scene blocks this move")
            else:
                yield preset, trial


def _trial(subject: Subject, preset: Preset) -> Trial | None:
    """The path and its truth; None when the true camera would pass through something."""
    view = SourceView(
        K=subject.K,
        size=subject.photo.size,
        depth=subject.depth,
        subject_depth=subject.subject_depth,
    )
    path = plan_leg(preset.leg, view, lambda message: None)
    wanted = sorted({*FRAMES, *PAIR})
    if not all(subject.truth.way_is_free(path.w2c[i]) for i in wanted):
        return None
    known = {i: true_view(subject, path.w2c[i], path.K[i]) for i in wanted}
    views = {i: view for i, view in known.items() if view is not None}
    if not set(FRAMES) <= set(views):
        return None
    return Trial(subject, path, views)


def judge(draw: Draw, trial: Trial) -> QualityFigures:
    """The figures of one way of drawing along one path.

    A later frame that is the photograph again is left out: the first stands for it.
    """
    path, views = trial.path, trial.views
    drawn = {i: draw(path.w2c[i], path.K[i]) for i in views}
    judged = [i for i in FRAMES if not np.allclose(path.w2c[i], path.w2c[0])]
    frames = [(drawn[i].rgb, views[i]) for i in judged]
    first = draw(path.w2c[0], path.K[0]).rgb
    flicker, drift = _unrest({i: one.rgb for i, one in drawn.items()}, views)

    def mean(measure: Callable[..., float], region: str) -> float:
        return mean_known([measure(rgb, v.rgb, getattr(v, region)) for rgb, v in frames])

    return QualityFigures(
        seen_psnr=mean(psnr, "seen"),
        seen_ssim=mean(ssim, "seen"),
        hidden_psnr=mean(psnr, "hidden"),
        hidden_texture=mean(texture_ratio, "hidden"),
        hidden_patches=mean(patch_distance, "hidden"),
        outside_psnr=mean(psnr, "outside"),
        outside_texture=mean(texture_ratio, "outside"),
        outside_patches=mean(patch_distance, "outside"),
        ssim=mean_known([ssim(rgb, view.rgb) for rgb, view in frames]),
        holes=float(np.mean([drawn[i].holes.mean() for i in judged])),
        first_psnr=mean_known([psnr(first, trial.subject.picture)]),
        flicker=flicker,
        drift=drift,
    )


def _unrest(rgb: Mapping[int, RgbImage], views: Mapping[int, TrueView]) -> tuple[float, float]:
    """Flicker and drift of what the photograph shows, between two neighbours.

    What it does not show is left out: invented things stand elsewhere and move otherwise.
    """
    if not set(PAIR) <= set(views):
        return math.nan, math.nan
    now, then = PAIR
    true_flow, kept = flow_between(views[now], views[then])
    kept = inner(kept & views[now].seen, UNREST_MARGIN_PX)
    films = [(rgb[now], rgb[then]), (views[now].rgb, views[then].rgb)]
    flicker = [restlessness(a, b, own_flow(a, b), kept) for a, b in films]
    drift = [restlessness(a, b, true_flow, kept) for a, b in films]
    return _quotient(*flicker), _quotient(*drift)


def _quotient(own: float, real: float) -> float:
    return own / real if real > 0 else math.nan


def mean_known(values: Sequence[float]) -> float:
    """The mean of those values that are known, NaN when none is; equal pictures have 60 dB."""
    known = [min(value, CEILING_DB) for value in values if not math.isnan(value)]
    return float(np.mean(known)) if known else math.nan


def averaged(rows: Sequence[QualityRow]) -> dict[tuple[str, str], QualityFigures]:
    """Means over scenes, by preset and method, in the order in which they came."""
    groups: dict[tuple[str, str], list[QualityFigures]] = {}
    for row in rows:
        groups.setdefault((row.preset, row.method), []).append(row.figures)
    names = [field.name for field in fields(QualityFigures)]
    return {
        key: QualityFigures(
            **{name: mean_known([getattr(one, name) for one in group]) for name in names}
        )
        for key, group in groups.items()
    }
