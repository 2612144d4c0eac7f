"""What a seed asks for: family, weather, light, and how each view is taken; knows no Blender.

Angles in degrees, lengths in metres. Pitch is upwards, yaw towards the right.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import Enum

import numpy as np

LONG_SIDE_PX = 384
SIZES = (
    (384, 256),
    (384, 256),
    (384, 288),
    (384, 216),
    (384, 304),
    (384, 160),
    (384, 384),
    (256, 384),
    (288, 384),
    (216, 384),
)
"""Width and height of the pictures of a shard; drawn per shard, portrait in three of ten."""

LOOKS = (
    "AgX: AgX - Punchy",
    "AgX: AgX - Medium High Contrast",
    "AgX: AgX - Base Contrast",
    "Standard",
    "Filmic: Medium High Contrast",
    "Filmic: High Contrast",
)
"""How cameras turn light into numbers."""

SCENES_PER_SHARD = 16
VIEWS_PER_SCENE = 5
ATTEMPTS = 8
"""Cameras tried for a view before the view is given up."""


NIGHT_BRIGHTNESS = 0.35
"""Of a picture by day; indoors there are lamps enough."""


class Family(Enum):
    """The kinds of places."""

    STREET = "street"
    SQUARE = "square"
    HARBOUR = "harbour"
    TOWER = "tower"
    ABOVE = "above"
    HILLS = "hills"
    LAKE = "lake"
    MOUNTAINS = "mountains"
    FOREST = "forest"
    GARDEN = "garden"
    THIN = "thin"
    ROOM = "room"
    HALL = "hall"
    TABLE = "table"


class Weather(Enum):
    """What lies in the air and on the ground."""

    CLEAR = "clear"
    CLOUDY = "cloudy"
    OVERCAST = "overcast"
    GOLDEN = "golden"
    HAZE = "haze"
    FOG = "fog"
    SNOW = "snow"
    WET = "wet"
    NIGHT = "night"


OUTDOOR_WEATHER = {
    Weather.CLEAR: 0.22,
    Weather.CLOUDY: 0.2,
    Weather.OVERCAST: 0.13,
    Weather.GOLDEN: 0.13,
    Weather.HAZE: 0.09,
    Weather.FOG: 0.05,
    Weather.SNOW: 0.07,
    Weather.WET: 0.06,
    Weather.NIGHT: 0.05,
}
INDOOR_WEATHER = {Weather.CLEAR: 0.4, Weather.CLOUDY: 0.35, Weather.NIGHT: 0.25}


@dataclass(frozen=True, slots=True, kw_only=True)
class Habit:
    """How pictures of a family are usually taken."""

    weight: float
    height_m: tuple[float, float]
    pitch_deg: tuple[float, float]
    """Where most views look; a third of them look anywhere in [-45, 45]."""
    outdoors: bool = True
    anywhere: float = 0.33


HABITS: dict[Family, Habit] = {
    Family.STREET: Habit(weight=1.5, height_m=(0.5, 4.0), pitch_deg=(-14, 14)),
    Family.SQUARE: Habit(weight=1.2, height_m=(0.4, 6.0), pitch_deg=(-18, 12)),
    Family.HARBOUR: Habit(weight=1.1, height_m=(0.5, 6.0), pitch_deg=(-16, 10)),
    Family.TOWER: Habit(weight=0.8, height_m=(0.4, 2.2), pitch_deg=(8, 45), anywhere=0.15),
    Family.ABOVE: Habit(weight=0.9, height_m=(6.0, 45.0), pitch_deg=(-45, -8), anywhere=0.0),
    Family.HILLS: Habit(weight=1.0, height_m=(0.5, 14.0), pitch_deg=(-16, 6), anywhere=0.2),
    Family.LAKE: Habit(weight=0.8, height_m=(0.4, 9.0), pitch_deg=(-14, 6), anywhere=0.15),
    Family.MOUNTAINS: Habit(
        weight=0.8, height_m=(1.0, 40.0), pitch_deg=(-14, 12), anywhere=0.2
    ),
    Family.FOREST: Habit(weight=1.0, height_m=(0.4, 3.0), pitch_deg=(-20, 25)),
    Family.GARDEN: Habit(weight=1.0, height_m=(0.25, 2.2), pitch_deg=(-35, 8)),
    Family.THIN: Habit(weight=0.9, height_m=(0.4, 3.5), pitch_deg=(-15, 20)),
    Family.ROOM: Habit(weight=1.9, height_m=(0.5, 2.2), pitch_deg=(-20, 8), outdoors=False),
    Family.HALL: Habit(weight=1.0, height_m=(0.4, 2.6), pitch_deg=(-12, 18), outdoors=False),
    Family.TABLE: Habit(weight=1.1, height_m=(0.08, 0.7), pitch_deg=(-45, -6), outdoors=False),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Light:
    """Sun and sky of a scene."""

    elevation_deg: float
    azimuth_deg: float
    cover: float
    warmth: float
    """0 = blue daylight, 1 = the last light of the day."""
    haze_m: float
    """Distance at which the air has swallowed two thirds."""
    look: str
    """Blender's tone curve, and after a colon its look."""
    brightness: float
    """Where the picture's typical light should come to lie, 0.18 is middle grey."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScenePlan:
    """Everything that follows from a seed before anything is built."""

    seed: int
    family: Family
    weather: Weather
    light: Light


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewPlan:
    """How one picture is taken; where is for the built scene to say."""

    height_m: float
    pitch_deg: float
    roll_deg: float
    fov_x_deg: float


def plan_scene(seed: int) -> ScenePlan:
    """The scene of a seed."""
    rng = np.random.default_rng([2201, seed])
    families = list(HABITS)
    weights = np.array([HABITS[family].weight for family in families])
    family = families[int(rng.choice(len(families), p=weights / weights.sum()))]
    chances = OUTDOOR_WEATHER if HABITS[family].outdoors else INDOOR_WEATHER
    kinds = list(chances)
    shares = np.array(list(chances.values()))
    weather = kinds[int(rng.choice(len(kinds), p=shares / shares.sum()))]
    light = _light(weather, rng)
    if weather is Weather.NIGHT and HABITS[family].outdoors:
        light = replace(light, brightness=NIGHT_BRIGHTNESS * light.brightness)
    return ScenePlan(seed=seed, family=family, weather=weather, light=light)


def _light(weather: Weather, rng: np.random.Generator) -> Light:
    golden = weather is Weather.GOLDEN
    fog_m = float(np.exp(rng.uniform(np.log(18), np.log(90))))
    haze_m = float(np.exp(rng.uniform(np.log(120), np.log(900))))
    clear_m = float(np.exp(rng.uniform(np.log(1500), np.log(20000))))
    return Light(
        elevation_deg=float(rng.uniform(4, 16) if golden else rng.uniform(14, 72)),
        azimuth_deg=float(rng.uniform(-180, 180)),
        cover=float(
            rng.uniform(0.0, 0.35) if weather is Weather.CLEAR else rng.uniform(0.3, 1)
        ),
        warmth=float(rng.uniform(0.5, 1.0) if golden else rng.uniform(0.0, 0.35)),
        haze_m={Weather.FOG: fog_m, Weather.HAZE: haze_m}.get(weather, clear_m),
        look=str(rng.choice(LOOKS)),
        brightness=float(np.exp(rng.uniform(np.log(0.07), np.log(0.22)))),
    )


def plan_view(plan: ScenePlan, size: tuple[int, int], view: int, attempt: int) -> ViewPlan:
    """The camera of one attempt at one view."""
    rng = np.random.default_rng([2202, plan.seed, view, attempt])
    habit = HABITS[plan.family]
    low, high = habit.pitch_deg
    anywhere = rng.random() < habit.anywhere
    log_height = rng.uniform(np.log(habit.height_m[0]), np.log(habit.height_m[1]))
    return ViewPlan(
        height_m=float(np.exp(log_height)),
        pitch_deg=float(rng.uniform(-45, 45) if anywhere else rng.uniform(low, high)),
        roll_deg=float(rng.normal(0, 1.2) if rng.random() < 0.8 else rng.uniform(-9, 9)),
        fov_x_deg=_field_of_view(size, rng),
    )


def _field_of_view(size: tuple[int, int], rng: np.random.Generator) -> float:
    """Horizontal, 35 to 100 degrees when lying; standing, the upright side gets 40 to 95."""
    width, height = size
    if width >= height:
        return float(rng.uniform(35, 100))
    upright = math.radians(rng.uniform(40, 95))
    return math.degrees(2 * math.atan(math.tan(upright / 2) * width / height))


def shard_size(number: int) -> tuple[int, int]:
    """Width and height of all pictures of a shard."""
    rng = np.random.default_rng([2203, number])
    return SIZES[int(rng.integers(len(SIZES)))]
