"""What the benchmark of the lyra2 engine found, as a table for people and JSON for programs."""

from __future__ import annotations

from dataclasses import asdict

from pydantic import JsonValue

from lyra_zoom.bench.lyra2 import Lyra2Report
from lyra_zoom.bench.lyra2_watch import Stage
from lyra_zoom.bench.speed import GIB
from lyra_zoom.geometry.image import Size

MARKS_S = {
    (Size(832, 480), "dmd"): (20.0, 14.0),
    (Size(1280, 720), "dmd"): (75.0, 55.0),
    (Size(832, 480), "28 steps"): (190.0, 110.0),
}
"""Seconds for 81 frames on one H100 or H200: must and aim."""

NOT_ON_GPU = (
    "not run on a GPU: these seconds say nothing about one; "
    "`lyra-zoom bench --engine lyra2 --random-weights` there will tell"
)


def lyra2_table(reports: list[Lyra2Report]) -> str:
    """One table for each size."""
    return "\n\n".join(_table(report) for report in reports)


def lyra2_json(reports: list[Lyra2Report]) -> list[JsonValue]:
    """Seconds, bytes, FLOP and the totals, for each size."""
    return [_as_json(report) for report in reports]


def _table(report: Lyra2Report) -> str:
    need_gib = report.plan.budget.device_bytes / GIB
    planned = f", planned with {need_gib:.1f} GiB" if report.on_gpu else ""
    head = [
        report.machine,
        *([] if report.on_gpu else [NOT_ON_GPU]),
        f"{report.size.width}x{report.size.height}, {report.tokens:,} tokens, "
        f"memory mode {report.plan.mode}, weights in {report.plan.precision}{planned}",
    ]
    rows: list[tuple[str, ...]] = [
        ("stage", "seconds", "memory", "planned", "FLOP", "TFLOP/s", "of the card's peak")
    ]
    rows += [_row(report, stage) for stage in report.stages]
    totals = [
        f"81 frames, {name}: {seconds:.2f} s{_marks(report.size, name)}"
        for name, seconds in _totals(report).items()
    ]
    return "\n".join([*head, "", _aligned(rows), "", *totals])


def _row(report: Lyra2Report, stage: Stage) -> tuple[str, ...]:
    share = report.share_of_peak(stage)
    if stage.skipped:
        return (stage.name, f"skipped: {stage.skipped}")
    return (
        stage.name,
        f"{stage.seconds:.3f}",
        _gib(stage.peak_bytes),
        _gib(stage.planned_bytes if report.on_gpu else None),
        "" if stage.flop is None else f"{stage.flop:.3g}",
        "" if stage.flop is None else f"{stage.flop / stage.seconds / 1e12:.1f}",
        "" if share is None else f"{share:.0%}",
    )


def _gib(nbytes: int | None) -> str:
    return "" if nbytes is None else f"{nbytes / GIB:.1f} GiB"


def _totals(report: Lyra2Report) -> dict[str, float]:
    return {"dmd": report.dmd_s, f"{report.steps} steps": report.guided_s}


def _marks(size: Size, name: str) -> str:
    if (size, name) not in MARKS_S:
        return ""
    must, aim = MARKS_S[size, name]
    return f" (must {must:g} s, aim {aim:g} s on one H200)"


def _as_json(report: Lyra2Report) -> JsonValue:
    return {
        "machine": report.machine,
        "on_gpu": report.on_gpu,
        "width": report.size.width,
        "height": report.size.height,
        "tokens": report.tokens,
        "memory_mode": str(report.plan.mode),
        "precision": str(report.plan.precision),
        "planned_bytes": report.plan.budget.device_bytes,
        "peak_tflops": report.peak_tflops,
        "stages": [
            {**asdict(stage), "share_of_peak": report.share_of_peak(stage)}
            for stage in report.stages
        ],
        "seconds_for_81_frames": dict(_totals(report)),
    }


def _aligned(rows: list[tuple[str, ...]]) -> str:
    whole = [row for row in rows if len(row) == len(rows[0])]
    widths = [max(len(cell) for cell in column) for column in zip(*whole, strict=True)]
    widths[0] = max(len(row[0]) for row in rows)
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=False)).rstrip()
        for row in rows
    )
