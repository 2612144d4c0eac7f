"""Small tables of camera paths, kept with the tests.

`cameras.json` is what this program plans; `python -m tests.golden.camera_tables` rewrites it.
`reference_cameras.json` is what NVIDIA's Lyra 2.0 code (nv-tlabs/lyra, commit 9fffc9a) computed
for the three presets that ours equal: measurements made once and never rewritten.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from lyra_zoom.contract.zoom import Direction, Trajectory
from lyra_zoom.geometry.camera import CameraPath, centred_intrinsics
from lyra_zoom.geometry.image import Size
from lyra_zoom.pipeline.cameras import SourceView, plan_leg
from lyra_zoom.pipeline.shot import Leg

OURS = Path(__file__).with_name("cameras.json")
REFERENCE = Path(__file__).with_name("reference_cameras.json")
FRAMES = (0, 20, 40, 60, 80)
STRENGTHS = {Direction.IN: 0.5, Direction.OUT: 1.5}

SIZE = Size(832, 480)
OPEN_SKY = SourceView(
    K=centred_intrinsics(720.0, SIZE),
    size=SIZE,
    depth=np.full((48, 80), np.inf, np.float32),
    subject_depth=2.0,
)

Table = dict[str, Any]


def planned_table() -> Table:
    """Every preset in both directions, at the default strengths, at five of 81 frames."""
    return {
        f"{trajectory}|{direction}|s{strength}": _rows(_plan(trajectory, direction, strength))
        for trajectory in Trajectory
        for direction, strength in STRENGTHS.items()
    }


def _plan(trajectory: Trajectory, direction: Direction, strength: float) -> CameraPath:
    leg = Leg(direction=direction, trajectory=trajectory, strength=strength, num_frames=81)
    return plan_leg(leg, OPEN_SKY, lambda _: None)


def _rows(path: CameraPath) -> list[Table]:
    return [
        {
            "frame": frame,
            "w2c": np.round(path.w2c[frame, :3], 6).tolist(),
            "focal_px": round(float(path.K[frame, 0, 0]), 4),
        }
        for frame in FRAMES
    ]


def _as_text(table: Table) -> str:
    entries = [
        f'"{name}": [\n  ' + ",\n  ".join(json.dumps(row) for row in rows) + "\n]"
        for name, rows in table.items()
    ]
    return "{\n" + ",\n".join(entries) + "\n}\n"


if __name__ == "__main__":
    OURS.write_text(_as_text(planned_table()))
