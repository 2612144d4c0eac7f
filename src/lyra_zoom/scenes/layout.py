"""What the columns of a scene's tables mean; shared by the builder and the kernels."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

import numpy as np

Vector: TypeAlias = tuple[float, float, float]
"""A place or a direction as kernels pass it."""

# Primitives: one row each, all in a local frame (rotation, centre) with y down.
KIND, MATERIAL, CUT, CUT_A, CUT_B, CUT_C, RADIUS = range(7)
CENTRE, ROTATION, HALF = 7, 10, 19  # 3, 9 (rows: world to local) and 3 numbers
EXTRA_A, EXTRA_B, SEED, HOLLOW = 22, 23, 24, 25
PRIMITIVE_COLUMNS = 26

BOX, ELLIPSOID, FRUSTUM, PLANE, ARCH, TERRAIN = range(6)
"""Frustum: axis y, radius half[0] at the top (y = -half[1]) and half[2] at the bottom.
Plane: local y = 0, |x| <= half[0], |z| <= half[2]. Arch: a box with a tunnel along z of
half-width EXTRA_A whose round part starts at y = EXTRA_B. Terrain: hit outside of the table."""

NO_CUT, LEAFY, RIDGE, RAILING, WINDOWS, DISC, GRILLE = range(7)
"""Which part of a surface is missing: A is a length in metres, B a share or a height."""

# Materials: one row each; colours are linear light, 0 to 1.
TEXTURE, COLOUR_A, COLOUR_B, SCALE, ASPECT, AMOUNT, GLOSS, GLOW, TEXTURE_SEED = (
    0, 1, 4, 7, 8, 9, 10, 11, 12,
)  # fmt: skip

(
    PLAIN, BRICKS, PLANKS, TILES, FACADE, STRIPES, PLASTER, LEAVES, SOIL, ROCK, WATER,
    CHECKS, PATCHES, COBBLES, GRAIN, BOOKS, ROAD,
) = range(17)  # fmt: skip

# Light: one row for the whole scene.
SUN_TO, SUN_COLOUR, AMBIENT_UP, AMBIENT_DOWN, LAMP_AT, LAMP_COLOUR = 0, 3, 6, 9, 12, 15
FOG_COLOUR, ZENITH, HORIZON = 18, 21, 24
FOG, CLOUDS, CLOUD_SIZE, STARS, EXPOSURE, LIGHT_SEED = 27, 28, 29, 30, 31, 32
LIGHT_COLUMNS = 33


class World(NamedTuple):
    """Everything a ray can meet, as tables; a named tuple, so that kernels can take it.

    `rows` are the primitives, `heights` a terrain in metres (1x1 when there is none) whose
    first sample lies at `place[:2]` (x, z) with cells of `place[2]` metres. Materials 0 and 1
    are those of flat and of steep terrain.
    """

    rows: np.ndarray
    materials: np.ndarray
    heights: np.ndarray
    place: np.ndarray
    light: np.ndarray
