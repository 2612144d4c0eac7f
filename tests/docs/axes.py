"""Draws the axes of `docs/conventions.md` with the program's own geometry: it cannot lie.

`python -m tests.docs.axes` rewrites the drawing; a test compares it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lyra_zoom.geometry.camera import centred_intrinsics, project, unproject
from lyra_zoom.geometry.image import Size
from lyra_zoom.geometry.rigid import Point, Rigid, invert_rigid, look_at

DRAWING = Path(__file__).parents[2] / "docs" / "pictures" / "axes.svg"

PAPER = Size(720, 400)
ONLOOKER_K = centred_intrinsics(760.0, PAPER)
ONLOOKER_W2C = look_at(np.array([2.7, -2.6, -2.9]), np.array([0.25, 0.1, 1.15]))

VIDEO = Size(832, 480)
VIDEO_K = centred_intrinsics(720.0, VIDEO)
AXES = {"x right": [1.0, 0, 0], "y down": [0, 1.0, 0], "z forward": [0, 0, 1.0]}
RED, GREEN, BLUE, INK, FAINT = "#c0392b", "#1e8449", "#2455a4", "#333333", "#999999"


@dataclass(frozen=True, slots=True)
class Line:
    """A straight line on the paper, with an optional word at its end."""

    start: tuple[float, float]
    end: tuple[float, float]
    colour: str
    word: str = ""


def drawing() -> list[Line]:
    """The photograph's camera with its axes, its picture, and a second camera of an orbit."""
    lines = _camera(np.eye(4), 1.4, INK, {0: "pixel (0, 0)"})
    for (word, direction), colour in zip(AXES.items(), (RED, GREEN, BLUE), strict=True):
        lines.append(_line(np.zeros(3), np.array(direction), colour, word))
    subject = np.array([0.0, 0.0, 2.6])
    lines.append(_line(np.array([0, 0, 1.05]), subject, FAINT, "subject, at depth D"))
    lines += _cross(subject)
    orbit = look_at(np.array([1.5, 0.0, 0.9]), subject)
    return [*lines, *_camera(orbit, 0.5, FAINT, {1: "a later camera"})]


def _camera(w2c: Rigid, depth: float, colour: str, words: dict[int, str]) -> list[Line]:
    """A pyramid from the camera's centre to the corners of its picture at `depth`."""
    c2w = invert_rigid(w2c)
    corners_px = np.array([[0.0, 0], [832, 0], [832, 480], [0, 480]])
    corners = unproject(corners_px, np.full(4, depth), VIDEO_K) @ c2w[:3, :3].T + c2w[:3, 3]
    edges = [_line(corners[i], corners[(i + 1) % 4], colour) for i in range(4)]
    rays = [
        _line(c2w[:3, 3], corner, colour, words.get(number, ""))
        for number, corner in enumerate(corners)
    ]
    return [*edges, *rays]


def _cross(centre: Point) -> list[Line]:
    arms = 0.08 * np.eye(3)
    return [_line(centre - arm, centre + arm, INK) for arm in arms]


def _line(start: Point, end: Point, colour: str, word: str = "") -> Line:
    (x0, y0, _), (x1, y1, _) = project(np.stack([start, end]), ONLOOKER_W2C, ONLOOKER_K)
    return Line((round(x0, 1), round(y0, 1)), (round(x1, 1), round(y1, 1)), colour, word)


def as_svg(lines: list[Line]) -> str:
    """The drawing as a file that browsers and code hosts show."""
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {PAPER.width} {PAPER.height}" '
        'font-family="sans-serif" font-size="15">',
        '<rect width="100%" height="100%" fill="#ffffff"/>',
    ]
    for line in lines:
        (x0, y0), (x1, y1) = line.start, line.end
        width = 3 if line.colour in (RED, GREEN, BLUE) else 1.2
        parts.append(
            f'<line x1="{x0}" y1="{y0}" x2="{x1}" y2="{y1}" '
            f'stroke="{line.colour}" stroke-width="{width}"/>'
        )
        if line.word:
            x, y = x1 + 6, y1 - 6
            parts.append(
                f'<text x="{x:.1f}" y="{y:.1f}" fill="{line.colour}">{line.word}</text>'
            )
    return "\n".join([*parts, "</svg>", ""])


if __name__ == "__main__":
    DRAWING.write_text(as_svg(drawing()))
