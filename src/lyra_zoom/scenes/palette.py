"""Random materials in families that look like something: walls, wood, leaves, stone, cloth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from lyra_zoom.scenes import layout

Colour = tuple[float, float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """One row of the material table; `scale` is metres per pattern unit, colours are linear."""

    texture: int
    a: Colour
    b: Colour
    scale: float = 1.0
    aspect: float = 1.0
    amount: float = 0.4
    gloss: float = 0.0
    glow: float = 0.0

    def row(self, seed: int) -> np.ndarray:
        """The numbers that the kernels read."""
        return np.array(
            [self.texture, *self.a, *self.b, self.scale, self.aspect, self.amount, self.gloss,
             self.glow, seed],
        )  # fmt: skip


def near(rng: np.random.Generator, colour: Colour, spread: float = 0.25) -> Colour:
    """A colour like the given one: brightness and hue vary by about `spread`."""
    bright = np.exp(rng.normal(0, spread))
    tint = np.exp(rng.normal(0, spread * 0.35, 3))
    r, g, b = np.clip(np.array(colour) * bright * tint, 0.004, 0.95)
    return float(r), float(g), float(b)


def any_colour(rng: np.random.Generator) -> Colour:
    """Any colour, more often muted than vivid."""
    base = rng.uniform(0.02, 0.8)
    vivid = rng.beta(1.2, 2.5)
    r, g, b = np.clip(base * (1 - vivid) + vivid * rng.uniform(0, 0.9, 3) ** 1.5, 0.01, 0.9)
    return float(r), float(g), float(b)


def pick(rng: np.random.Generator, colours: list[Colour], spread: float = 0.25) -> Colour:
    """One of the colours, varied."""
    return near(rng, colours[rng.integers(len(colours))], spread)


WALLS: list[Colour] = [
    (0.62, 0.56, 0.46),
    (0.5, 0.4, 0.28),
    (0.45, 0.2, 0.12),
    (0.7, 0.68, 0.64),
    (0.3, 0.3, 0.32),
    (0.55, 0.35, 0.22),
    (0.35, 0.42, 0.5),
    (0.6, 0.5, 0.25),
    (0.25, 0.17, 0.13),
]
WOODS: list[Colour] = [
    (0.3, 0.16, 0.07),
    (0.45, 0.28, 0.14),
    (0.12, 0.06, 0.03),
    (0.4, 0.36, 0.3),
]
GREENS: list[Colour] = [
    (0.06, 0.13, 0.02),
    (0.1, 0.2, 0.03),
    (0.03, 0.08, 0.02),
    (0.2, 0.22, 0.04),
]
AUTUMN: list[Colour] = [
    (0.4, 0.14, 0.02),
    (0.45, 0.28, 0.03),
    (0.25, 0.06, 0.02),
    (0.5, 0.2, 0.25),
]
EARTHS: list[Colour] = [
    (0.25, 0.17, 0.1),
    (0.45, 0.36, 0.22),
    (0.14, 0.1, 0.07),
    (0.35, 0.3, 0.25),
]
STONES: list[Colour] = [
    (0.3, 0.29, 0.27),
    (0.45, 0.42, 0.38),
    (0.18, 0.18, 0.19),
    (0.4, 0.3, 0.22),
]


def wall(rng: np.random.Generator) -> Material:
    """Plaster, brick, stone courses, boards or plain paint."""
    a = pick(rng, WALLS)
    kind = rng.choice(
        [layout.PLASTER, layout.BRICKS, layout.TILES, layout.PLANKS, layout.PLAIN],
        p=[0.4, 0.25, 0.1, 0.1, 0.15],
    )
    scale = {
        layout.BRICKS: rng.uniform(0.08, 0.3),
        layout.TILES: rng.uniform(0.2, 0.8),
        layout.PLANKS: rng.uniform(0.1, 0.3),
        layout.PLASTER: rng.uniform(0.4, 2.5),
        layout.PLAIN: 1.0,
    }
    aspect = {layout.BRICKS: 2.5, layout.PLANKS: 12.0}.get(int(kind), 1.0)
    return Material(
        texture=int(kind),
        a=a,
        b=near(rng, a, 0.3),
        scale=float(scale[int(kind)]),
        aspect=aspect,
        amount=rng.uniform(0.1, 0.6),
    )


def windows(rng: np.random.Generator, lit: bool = False) -> Material:
    """A facade with a grid of windows."""
    a = pick(rng, WALLS)
    return Material(
        texture=layout.FACADE,
        a=a,
        b=near(rng, (0.6, 0.58, 0.52), 0.4),
        scale=rng.uniform(2.3, 4.0),
        aspect=rng.uniform(0.5, 1.4),
        amount=rng.uniform(0.1, 0.5),
        glow=float(lit),
    )


def pale(rng: np.random.Generator) -> Material:
    """The nearly even, light paint of most rooms."""
    a = near(rng, (0.72, 0.7, 0.66), 0.18)
    return Material(texture=layout.PLASTER, a=a, b=near(rng, a, 0.05), scale=2.0, amount=0.06)


def wood(rng: np.random.Generator) -> Material:
    """Grained wood or boards."""
    a = pick(rng, WOODS)
    boards = rng.random() < 0.4
    return Material(
        texture=layout.PLANKS if boards else layout.GRAIN, a=a, b=near(rng, a, 0.35),
        scale=rng.uniform(0.08, 0.3), aspect=rng.uniform(6, 16) if boards else 4.0,
        amount=rng.uniform(0.2, 0.7), gloss=rng.choice([0.0, 0.25]),
    )  # fmt: skip


def leaves(rng: np.random.Generator, autumn: bool = False) -> Material:
    """Foliage."""
    a = pick(rng, AUTUMN if autumn else GREENS)
    return Material(
        texture=layout.LEAVES,
        a=near(rng, a, 0.3),
        b=near(rng, a, 0.4),
        scale=rng.uniform(0.06, 0.35),
        amount=rng.uniform(0.4, 0.9),
    )


def ground(rng: np.random.Generator) -> Material:
    """Grass, soil, sand, gravel or snow."""
    kind = rng.random()
    if kind < 0.45:
        a, b = pick(rng, GREENS), pick(rng, GREENS + EARTHS)
    elif kind < 0.9:
        a, b = pick(rng, EARTHS), pick(rng, EARTHS + STONES)
    else:
        a, b = near(rng, (0.8, 0.82, 0.86), 0.1), near(rng, (0.7, 0.74, 0.82), 0.1)
    return Material(
        texture=layout.SOIL, a=a, b=b, scale=float(np.exp(rng.uniform(-1.8, 1.2))),
        amount=rng.uniform(0.15, 0.7),
    )  # fmt: skip


def paving(rng: np.random.Generator) -> Material:
    """What one walks or drives on in a town."""
    kind = int(
        rng.choice(
            [
                layout.ROAD,
                layout.COBBLES,
                layout.TILES,
                layout.BRICKS,
                layout.PLASTER,
                layout.SOIL,
            ]
        )
    )
    a = pick(rng, STONES) if rng.random() < 0.7 else pick(rng, EARTHS)
    scale = {
        layout.ROAD: 1.0,
        layout.COBBLES: rng.uniform(0.1, 0.5),
        layout.TILES: rng.uniform(0.3, 1.5),
        layout.BRICKS: rng.uniform(0.08, 0.2),
        layout.PLASTER: 2.0,
        layout.SOIL: 0.6,
    }[kind]
    b = (0.6, 0.6, 0.55) if kind == layout.ROAD else near(rng, a, 0.3)
    return Material(
        texture=kind,
        a=a,
        b=b,
        scale=float(scale),
        aspect=2.0 if kind == layout.BRICKS else 1.0,
        amount=rng.uniform(0.1, 0.5),
        gloss=float(rng.choice([0, 0, 0.3, 0.7])),
    )


def rock(rng: np.random.Generator) -> Material:
    """Cliffs and boulders."""
    a = pick(rng, STONES + EARTHS)
    return Material(
        texture=layout.ROCK,
        a=a,
        b=near(rng, a, 0.5),
        scale=float(np.exp(rng.uniform(-1.5, 2.0))),
        amount=rng.uniform(0.3, 0.9),
    )


def cloth(rng: np.random.Generator) -> Material:
    """Fabric, wallpaper, paint: any colour with or without a pattern."""
    kind = int(
        rng.choice(
            [layout.PLAIN, layout.STRIPES, layout.CHECKS, layout.PATCHES, layout.PLASTER],
            p=[0.5, 0.1, 0.1, 0.1, 0.2],
        )
    )
    a = any_colour(rng)
    b = near(rng, a, 0.15) if rng.random() < 0.5 else any_colour(rng)
    return Material(
        texture=kind, a=a, b=b, scale=float(np.exp(rng.uniform(-3.5, -0.5))),
        amount=rng.uniform(0.1, 0.7), gloss=float(rng.choice([0, 0, 0, 0.3])),
    )  # fmt: skip


def pictures(rng: np.random.Generator) -> Material:
    """Posters, paintings, packaging: coloured patches."""
    return Material(
        texture=layout.PATCHES, a=any_colour(rng), b=near(rng, (0.9, 0.9, 0.9), 0.3),
        scale=float(np.exp(rng.uniform(-3.5, -0.5))), amount=rng.uniform(0.1, 0.6),
    )  # fmt: skip


def books(rng: np.random.Generator) -> Material:
    """Rows of book spines."""
    return Material(
        texture=layout.BOOKS,
        a=any_colour(rng),
        b=(0.8, 0.8, 0.8),
        scale=rng.uniform(0.25, 0.4),
        aspect=rng.uniform(0.1, 0.25),
    )


def water(rng: np.random.Generator) -> Material:
    """Still or rippled water."""
    return Material(
        texture=layout.WATER, a=near(rng, (0.03, 0.07, 0.08), 0.6), b=(0.0, 0.0, 0.0),
        scale=float(np.exp(rng.uniform(-1.5, 1.5))), gloss=1.0,
    )  # fmt: skip


def metal(rng: np.random.Generator) -> Material:
    """Paint or metal with a shine."""
    return Material(
        texture=layout.PLAIN, a=any_colour(rng), b=any_colour(rng), scale=rng.uniform(0.1, 1.0),
        amount=rng.uniform(0, 0.2), gloss=rng.uniform(0.2, 0.8),
    )  # fmt: skip


def lamp(rng: np.random.Generator) -> Material:
    """Something that shines."""
    return Material(
        texture=layout.PLAIN, a=near(rng, (0.9, 0.75, 0.5), 0.2), b=(0.9, 0.9, 0.8), glow=1.0
    )
