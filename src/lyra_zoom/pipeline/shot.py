"""One requested video as values: what to look at and how the camera travels."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import JsonValue

from lyra_zoom.contract.zoom import Direction, Resolution, StrengthChoice, Trajectory, ZoomInput
from lyra_zoom.engines.engine import Sampling
from lyra_zoom.geometry.image import Size

SIZES: dict[Resolution, Size] = {
    Resolution.P480: Size(832, 480),
    Resolution.P720: Size(1280, 720),
}

RANDOM_SEEDS = 2**31
"""Seeds we choose ourselves stay exact in every JSON library."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """One direction of a shot; `direction` is in or out, never both.

    `strength` is in multiples of the subject depth, or radians for an orbit. With
    `as_far_as_safe` it is only the most that the camera may do.
    """

    direction: Direction
    trajectory: Trajectory
    strength: float
    num_frames: int
    plays_backwards: bool = False
    as_far_as_safe: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """One video to make: the photograph's bytes, the legs in playing order, size and rate.

    `request` is what the video will say of its making: every field but the photograph.
    """

    image: bytes
    legs: tuple[Leg, ...]
    size: Size
    frames_per_second: int
    sampling: Sampling
    request: Mapping[str, JsonValue]

    @property
    def num_frames(self) -> int:
        """Frames of the video: legs share the photograph where they meet."""
        return sum(leg.num_frames for leg in self.legs) - (len(self.legs) - 1)


def random_seed() -> int:
    """A seed for whoever did not ask for one."""
    return secrets.randbelow(RANDOM_SEEDS)


def plan_shot(request: ZoomInput, image: bytes, seed: int) -> Shot:
    """The shot that a request asks for; `seed` is the request's own or a random one."""
    return Shot(
        image=image,
        legs=_legs(request),
        size=SIZES[request.resolution],
        frames_per_second=request.frames_per_second,
        sampling=Sampling(
            prompt=request.prompt,
            seed=seed,
            use_dmd=request.use_dmd,
            guidance_scale=request.guidance_scale,
            num_inference_steps=request.num_inference_steps,
        ),
        request=request.model_dump(mode="json", exclude={"image_url"}) | {"seed": seed},
    )


def _legs(request: ZoomInput) -> tuple[Leg, ...]:
    """Legs in playing order; `both` is out reversed, then in: one continuous move forward."""
    both = request.zoom_direction is Direction.BOTH
    safe = request.strength is StrengthChoice.AUTO
    out = Leg(
        direction=Direction.OUT,
        trajectory=request.zoom_out_trajectory,
        strength=request.zoom_out_strength,
        num_frames=request.num_frames,
        plays_backwards=both,
        as_far_as_safe=safe,
    )
    into = Leg(
        direction=Direction.IN,
        trajectory=request.zoom_in_trajectory,
        strength=request.zoom_in_strength,
        num_frames=request.num_frames,
        as_far_as_safe=safe,
    )
    legs = {Direction.IN: (into,), Direction.OUT: (out,), Direction.BOTH: (out, into)}
    return legs[request.zoom_direction]
