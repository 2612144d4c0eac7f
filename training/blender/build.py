"""From a plan to a scene in Blender: the family's builder, then the weather."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from training.blender import country, indoors, near, studio, town, waterside
from training.blender.palette import Palette
from training.blender.plan import Family, ScenePlan, ViewPlan, Weather
from training.blender.pose import Pose
from training.blender.stage import Site, Spot, Spots
from training.blender.weather import let_weather_in

BUILDERS: dict[Family, Callable[[Site], Spots]] = {
    Family.STREET: town.street,
    Family.SQUARE: town.square,
    Family.HARBOUR: waterside.harbour,
    Family.TOWER: town.tower,
    Family.ABOVE: town.above,
    Family.HILLS: country.hills,
    Family.LAKE: country.lake,
    Family.MOUNTAINS: country.mountains,
    Family.FOREST: country.forest,
    Family.GARDEN: near.garden,
    Family.THIN: near.thin,
    Family.ROOM: indoors.room,
    Family.HALL: indoors.hall,
    Family.TABLE: near.table,
}

CEILING_M = {Family.ROOM: 2.0, Family.HALL: 2.1}
"""Cameras stay below, whatever the plan says."""


def build(plan: ScenePlan, threads: int) -> Spots:
    """Everything of a scene, ready to be rendered; returns where cameras may stand."""
    studio.clear()
    rng = np.random.default_rng([2204, plan.seed])
    palette = Palette(rng)
    palette.is_night = plan.weather is Weather.NIGHT
    spots = BUILDERS[plan.family](Site(rng=rng, palette=palette, plan=plan))
    let_weather_in(plan, rng)
    studio.mark_kinds()
    studio.set_up(threads, plan.seed)
    return spots


def stand(plan: ScenePlan, view: ViewPlan, spot: Spot) -> Pose:
    """The camera of a view at a spot."""
    high = min(view.height_m, CEILING_M.get(plan.family, np.inf))
    return Pose(
        place=(spot.x, spot.y, spot.floor_m + high),
        yaw_deg=spot.yaw_deg,
        pitch_deg=view.pitch_deg,
        roll_deg=view.roll_deg,
        fov_x_deg=view.fov_x_deg,
    )
