"""`lyra-zoom bench`: how fast this machine is, how good the pictures, how fast the service."""

from __future__ import annotations

import argparse
import json
import sys

from lyra_zoom.bench.quality import (
    DEFAULT_SIZE,
    PRESETS,
    QUICK_PRESETS,
    fresh_seeds,
    measure_quality,
)
from lyra_zoom.bench.quality_report import quality_json, quality_table
from lyra_zoom.bench.report import as_json, as_table, server_json, server_table
from lyra_zoom.bench.server import measure_server
from lyra_zoom.bench.speed import measure_speed

DEFAULT_SCENES = 2


def run(arguments: argparse.Namespace) -> None:
    """Measure and print the figures; what is being measured goes to standard error."""
    if arguments.server:
        _measure_server(arguments.quick, arguments.json)
    elif arguments.quality or arguments.scenes:
        scenes = arguments.scenes or DEFAULT_SCENES
        _judge_pictures(scenes, arguments.quick, arguments.json)
    else:
        _measure_speed(arguments.quick, arguments.json)


def _measure_speed(quick: bool, as_object: bool) -> None:
    report = measure_speed(quick=quick, say=lambda what: _say(f"measuring {what}"))
    print(json.dumps(as_json(report), indent=2) if as_object else as_table(report))


def _measure_server(quick: bool, as_object: bool) -> None:
    report = measure_server(quick=quick, say=lambda what: _say(f"measuring {what}"))
    print(json.dumps(server_json(report), indent=2) if as_object else server_table(report))


def _judge_pictures(scenes: int, quick: bool, as_object: bool) -> None:
    rows = measure_quality(
        fresh_seeds(scenes), QUICK_PRESETS if quick else PRESETS, DEFAULT_SIZE, _say
    )
    if as_object:
        print(json.dumps(quality_json(rows, DEFAULT_SIZE), indent=2))
    else:
        print(quality_table(rows, DEFAULT_SIZE))


def _say(message: str) -> None:
    print(message, file=sys.stderr, flush=True)
