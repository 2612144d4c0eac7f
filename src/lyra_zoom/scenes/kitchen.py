"""Built-in furniture along a room's walls: counters, cupboards, machines."""

from __future__ import annotations

from lyra_zoom.scenes import palette, parts
from lyra_zoom.scenes.stage import Stage

HEIGHT, DEPTH = 0.9, 0.62


def counter(stage: Stage, half: tuple[float, float, float]) -> None:
    """Cupboards with a worktop along a wall, others above them, things on top."""
    rng = stage.rng
    hx, _, hz = half
    front, top = stage.use(palette.cloth(rng)), stage.use(palette.wood(rng))
    machine, grip = stage.use(palette.metal(rng)), stage.use(palette.metal(rng))
    side = int(rng.integers(-1, 2))  # -1 left, 0 far, 1 right
    span = (hx if side == 0 else hz) * rng.uniform(0.5, 1.0)
    yaw = side * 1.5708

    def put(along: float, out: float, size: tuple[float, float, float], base: float) -> None:
        x, z = (along, hz - out) if side == 0 else (side * (hx - out), along)
        stage.block(x, z, size, material, yaw, base)

    material = front
    put(0.0, DEPTH / 2, (2 * span, HEIGHT - 0.04, DEPTH), 0.0)
    material = top
    put(0.0, DEPTH / 2 + 0.02, (2 * span, 0.04, DEPTH + 0.04), HEIGHT - 0.04)
    material = grip
    for k in range(int(2 * span / 0.6)):
        put(-span + 0.6 * k + 0.5, DEPTH + 0.02, (0.02, 0.14, 0.03), HEIGHT - 0.3)
    if rng.random() < 0.6:
        material = front
        put(0.0, 0.18, (2 * span * rng.uniform(0.4, 1.0), 0.7, 0.36), 1.45)
    material = machine
    put(
        span * rng.uniform(-0.9, 0.9),
        DEPTH / 2,
        (0.6, rng.choice([0.88, 1.9]), DEPTH + 0.05),
        0.0,
    )
    for _ in range(rng.integers(0, 8)):
        along, out = rng.uniform(-0.9, 0.9) * span, rng.uniform(0.1, 0.5)
        x, z = (along, hz - out) if side == 0 else (side * (hx - out), along)
        parts.trinket(stage, x, z, HEIGHT, rng.uniform(0.12, 0.4))
