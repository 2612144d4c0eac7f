"""Quality rows as a table for people and as JSON for programs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict

from pydantic import JsonValue

from lyra_zoom.bench.quality import QualityFigures, QualityRow, averaged

COLUMNS = (
    ("seen_psnr", "seen dB", "{:.2f}"),
    ("seen_ssim", "SSIM", "{:.3f}"),
    ("hidden_psnr", "hidden dB", "{:.1f}"),
    ("hidden_texture", "tex", "{:.2f}"),
    ("hidden_patches", "patch", "{:.2f}"),
    ("outside_psnr", "outside dB", "{:.1f}"),
    ("outside_texture", "tex", "{:.2f}"),
    ("outside_patches", "patch", "{:.2f}"),
    ("ssim", "whole SSIM", "{:.3f}"),
    ("holes", "holes", "{:.2%}"),
    ("first_psnr", "frame 0 dB", "{:.1f}"),
    ("flicker", "flicker", "{:.2f}"),
    ("drift", "drift", "{:.2f}"),
)
"""Field, heading and format of each column."""


def quality_table(rows: Sequence[QualityRow]) -> str:
    """Means over scenes for each preset and method; a dash where nothing was measured."""
    lines: list[tuple[str, ...]] = [("move", "method", *(head for _, head, _ in COLUMNS))]
    before = ""
    for (preset, method), figures in averaged(rows).items():
        lines.append(("" if preset == before else preset, method, *_cells(figures)))
        before = preset
    return "\n".join([_heading(rows), "", *_aligned(lines)])


def _aligned(lines: Sequence[tuple[str, ...]]) -> list[str]:
    widths = [max(len(cell) for cell in column) for column in zip(*lines, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    ]


def _heading(rows: Sequence[QualityRow]) -> str:
    """The scenes by their seeds and kinds, and the size they were judged at."""
    scenes = {row.seed: row.family for row in rows}
    named = ", ".join(f"{seed} ({family})" for seed, family in scenes.items())
    sizes = ", ".join(dict.fromkeys(f"{row.size.width}x{row.size.height}" for row in rows))
    return f"means over scenes {named}, {sizes}"


def quality_json(rows: Sequence[QualityRow]) -> dict[str, JsonValue]:
    """Every row with its size and figures; null where nothing was measured."""
    return {"rows": [_wire(row) for row in rows]}


def _wire(row: QualityRow) -> dict[str, JsonValue]:
    figures = asdict(row.figures)
    known = {name: value if math.isfinite(value) else None for name, value in figures.items()}
    return {
        "seed": row.seed,
        "family": row.family,
        "width": row.size.width,
        "height": row.size.height,
        "preset": row.preset,
        "method": row.method,
        **known,
    }


def _cells(figures: QualityFigures) -> list[str]:
    values = asdict(figures)
    return [
        text.format(values[name]) if math.isfinite(values[name]) else "-"
        for name, _, text in COLUMNS
    ]
