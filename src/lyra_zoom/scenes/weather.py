"""Light over a scene: days, dusks, nights, fog, rooms."""

from __future__ import annotations

import numpy as np

from lyra_zoom.scenes import layout
from lyra_zoom.scenes.palette import near


def direction(azimuth: float, elevation: float) -> np.ndarray:
    """Unit direction to something at an azimuth (0 ahead, right positive) and elevation."""
    c = np.cos(elevation)
    return np.array([np.sin(azimuth) * c, -np.sin(elevation), np.cos(azimuth) * c])


def _blank(rng: np.random.Generator) -> np.ndarray:
    light = np.zeros(layout.LIGHT_COLUMNS)
    light[layout.SUN_TO : layout.SUN_TO + 3] = direction(rng.uniform(-3.14, 3.14), 0.7)
    light[layout.CLOUD_SIZE] = rng.uniform(0.5, 3.0)
    light[layout.EXPOSURE] = 1.0
    light[layout.LIGHT_SEED] = rng.integers(1 << 20)
    return light


def _set(
    light: np.ndarray, column: int, colour: tuple[float, float, float], times: float
) -> None:
    light[column : column + 3] = np.array(colour) * times


def outdoor(rng: np.random.Generator, haze: float = 1.0) -> np.ndarray:
    """Any hour and weather; `haze` scales how thick the air is."""
    hour = rng.choice(["day", "overcast", "low sun", "night"], p=[0.45, 0.3, 0.18, 0.07])
    light = _blank(rng)
    low = hour == "low sun"
    light[layout.SUN_TO : layout.SUN_TO + 3] = direction(
        rng.uniform(-3.14, 3.14), rng.uniform(0.04, 0.3) if low else rng.uniform(0.35, 1.3)
    )
    zenith, horizon = {
        "day": ((0.12, 0.28, 0.65), (0.55, 0.68, 0.85)),
        "overcast": ((0.5, 0.54, 0.6), (0.75, 0.77, 0.8)),
        "low sun": ((0.16, 0.2, 0.42), (0.95, 0.55, 0.28)),
        "night": ((0.006, 0.01, 0.03), (0.03, 0.035, 0.06)),
    }[str(hour)]
    zenith, horizon = near(rng, zenith, 0.3), near(rng, horizon, 0.2)
    sun = {"day": 2.6, "overcast": 0.0, "low sun": 1.7, "night": 0.05}[str(hour)]
    warm = (1.0, 0.6, 0.32) if low else (1.0, 0.93, 0.82)
    _set(light, layout.ZENITH, zenith, 1)
    _set(light, layout.HORIZON, horizon, 1)
    _set(light, layout.SUN_COLOUR, warm, sun * rng.uniform(0.6, 1.2))
    mean = tuple(0.5 * (a + b) for a, b in zip(zenith, horizon, strict=True))
    _set(
        light, layout.AMBIENT_UP, (mean[0], mean[1], mean[2]), 0.9 + 0.6 * (hour == "overcast")
    )
    _set(light, layout.AMBIENT_DOWN, near(rng, (0.2, 0.18, 0.15), 0.2), 0.3 + 0.8 * mean[1])
    fog = rng.choice([0.0, 0.0008, 0.004, 0.02, 0.06], p=[0.2, 0.4, 0.25, 0.11, 0.04])
    light[layout.FOG] = fog * rng.uniform(0.4, 1.6) * haze
    _set(light, layout.FOG_COLOUR, horizon, rng.uniform(0.75, 1.0))
    light[layout.CLOUDS] = rng.choice([0.0, rng.uniform(0.3, 0.9)])
    if hour == "night":
        light[layout.STARS] = rng.random() < 0.5
        light[layout.EXPOSURE] = rng.uniform(0.25, 0.6)
        _set(light, layout.LAMP_COLOUR, (1.0, 0.7, 0.4), rng.uniform(2, 12))
        light[layout.LAMP_AT : layout.LAMP_AT + 3] = (
            rng.uniform(-4, 4),
            -rng.uniform(3, 6),
            rng.uniform(3, 14),
        )
    light[layout.EXPOSURE] *= np.exp(rng.normal(-0.15, 0.3))
    return light


def indoor(rng: np.random.Generator, half: tuple[float, float, float]) -> np.ndarray:
    """A lamp in a room around the origin with these half sizes, light from windows."""
    light = _blank(rng)
    warm = near(rng, (1.0, 0.85, 0.65), 0.15)
    lamp = rng.random() < 0.8
    size = max(half[0], half[2])
    _set(
        light, layout.LAMP_COLOUR, warm, float(lamp) * rng.uniform(0.5, 1.6) * size * size * 0.6
    )
    light[layout.LAMP_AT : layout.LAMP_AT + 3] = (
        rng.uniform(-0.6, 0.6) * half[0],
        -2 * half[1] * rng.uniform(0.6, 0.95),
        rng.uniform(-0.5, 0.8) * half[2],
    )
    level = rng.uniform(0.25, 0.7) if lamp else rng.uniform(0.6, 1.2)
    _set(light, layout.AMBIENT_UP, near(rng, (0.8, 0.8, 0.85), 0.15), level)
    _set(light, layout.AMBIENT_DOWN, near(rng, (0.7, 0.62, 0.55), 0.15), level * 0.8)
    light[layout.SUN_TO : layout.SUN_TO + 3] = direction(
        rng.uniform(-3.14, 3.14), rng.uniform(0.2, 0.9)
    )
    _set(light, layout.SUN_COLOUR, (1.0, 0.92, 0.8), rng.choice([0.0, 2.5]))
    _set(light, layout.ZENITH, (0.4, 0.55, 0.8), 1)
    _set(light, layout.HORIZON, (0.9, 0.93, 0.95), 1)
    light[layout.FOG] = rng.choice([0.0, 0.0, 0.01])
    _set(light, layout.FOG_COLOUR, (0.5, 0.48, 0.45), 1)
    light[layout.EXPOSURE] = np.exp(rng.normal(-0.1, 0.3))
    return light
