"""`lyra-zoom bench`: how fast this machine is, beside what the machine alone needs."""

from __future__ import annotations

import argparse
import json
import sys

from lyra_zoom.bench.report import as_json, as_table
from lyra_zoom.bench.speed import measure_speed


def run(arguments: argparse.Namespace) -> None:
    """Measure and print the figures; what is being measured goes to standard error."""
    report = measure_speed(quick=arguments.quick, say=_say)
    print(json.dumps(as_json(report), indent=2) if arguments.json else as_table(report))


def _say(what: str) -> None:
    print(f"measuring {what}", file=sys.stderr, flush=True)
