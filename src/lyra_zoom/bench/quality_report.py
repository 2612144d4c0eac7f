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
    ("outside_psnr", "outside dB", "{:.1f}"),
    ("outside_texture", "tex", "{:.2f}"),
    ("ssim", "whole SSIM", "{:.3f}"),
    ("holes", "holes", "{:.2%}"),
    ("first_psnr", "frame 0 dB", "{:.1f}"),
    ("flicker", "flicker", "{:.2f}"),
)
"""Field, heading and format of each column."""


def quality_table(rows: Sequence[QualityRow]) -> str:
    """Means over scenes for each preset and method; a dash where nothing was measured."""
    lines: list[tuple[str, ...]] = [("move", "method", *(head for _, head, _ in COLUMNS))]
    before = ""
    for (preset, method), figures in averaged(rows).items():
        lines.append(("" if preset == before else preset, method, *_cells(figures)))
        before = preset
    widths = [max(len(cell) for cell in column) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def quality_json(rows: Sequence[QualityRow]) -> list[dict[str, JsonValue]]:
    """Every row with its figures; null where nothing was measured."""
    return [
        {
            **{key: value for key, value in asdict(row).items() if key != "figures"},
            **{
                name: value if math.isfinite(value) else None
                for name, value in asdict(row.figures).items()
            },
        }
        for row in rows
    ]


def _cells(figures: QualityFigures) -> list[str]:
    values = asdict(figures)
    return [
        text.format(values[name]) if math.isfinite(values[name]) else "-"
        for name, _, text in COLUMNS
    ]
