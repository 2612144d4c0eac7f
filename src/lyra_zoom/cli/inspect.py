"""`lyra-zoom inspect`: what a video says of its making."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from lyra_zoom.geometry.rigid import camera_centre_world
from lyra_zoom.pipeline.metadata import FilmFacts, inspect_film


def run(arguments: argparse.Namespace) -> None:
    """Print the request, engine, version and cameras stored in the file."""
    film = inspect_film(Path(arguments.file))
    if arguments.json:
        print(film.provenance.to_json())
    else:
        _print_film(film)


def _print_film(film: FilmFacts) -> None:
    made = film.provenance
    rate = f"{film.frames_per_second:g} frames per second"
    print(
        f"{film.num_frames} frames of {film.size.width}x{film.size.height}, "
        f"{rate}, {film.duration_s:.4f} s, {film.file_size} bytes"
    )
    print(f"made by lyra-zoom {made.version}, engine {made.engine}")
    print(f"from a photograph with sha256 {made.image_sha256}")
    for name, value in made.request.items():
        used = f", used: {made.strengths[name]:g}" if name in made.strengths else ""
        print(f"  {name}: {json.dumps(value, ensure_ascii=False)}{used}")
    print(f"camera path: {len(made.path)} cameras, of which")
    for index in sorted({0, len(made.path) // 2, len(made.path) - 1}):
        x, y, z = camera_centre_world(made.path.w2c[index])
        focal_px = made.path.K[index, 0, 0]
        print(f"  frame {index}: centre ({x:.3f}, {y:.3f}, {z:.3f}), focal {focal_px:.1f} px")
