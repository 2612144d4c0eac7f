"""`lyra-zoom bench`: how fast this machine is, how good the pictures, how fast the service."""

from __future__ import annotations

import argparse
import json
import os
import sys
from dataclasses import replace

from lyra_zoom.bench.quality import (
    PRESETS,
    QUICK_PRESETS,
    fresh_seeds,
    generated_subjects,
    measure_quality,
)
from lyra_zoom.bench.quality_rendered import read_views
from lyra_zoom.bench.quality_report import quality_json, quality_table
from lyra_zoom.bench.quality_sheet import save_sheet
from lyra_zoom.bench.report import as_json, as_table, server_json, server_table
from lyra_zoom.bench.server import measure_server
from lyra_zoom.bench.speed import measure_speed
from lyra_zoom.contract.zoom import Resolution
from lyra_zoom.engines.lyra2.allocator import let_segments_grow
from lyra_zoom.engines.lyra2.installed import why_packages_are_missing
from lyra_zoom.errors import EngineNotReady
from lyra_zoom.pipeline.shot import SIZES
from lyra_zoom.settings import Settings

DEFAULT_SCENES = 2


def run(arguments: argparse.Namespace) -> None:
    """Measure and print the figures; what is being measured goes to standard error."""
    if arguments.engine == "lyra2":
        _measure_lyra2(arguments)
    elif arguments.server:
        _measure_server(arguments.quick, arguments.json)
    elif arguments.quality or arguments.scenes or arguments.views or arguments.sheet:
        _judge_pictures(arguments)
    else:
        _measure_speed(arguments.quick, arguments.json)


def _measure_speed(quick: bool, as_object: bool) -> None:
    report = measure_speed(quick=quick, say=lambda what: _say(f"measuring {what}"))
    print(json.dumps(as_json(report), indent=2) if as_object else as_table(report))


def _measure_server(quick: bool, as_object: bool) -> None:
    report = measure_server(quick=quick, say=lambda what: _say(f"measuring {what}"))
    print(json.dumps(server_json(report), indent=2) if as_object else server_table(report))


def _measure_lyra2(arguments: argparse.Namespace) -> None:
    """The diffusion model with random weights; imports torch only here."""
    if not arguments.random_weights:
        raise EngineNotReady("bench measures lyra2 with random weights: add --random-weights")
    why_not = why_packages_are_missing()
    if why_not is not None:
        raise EngineNotReady(why_not)
    let_segments_grow()
    from lyra_zoom.bench.lyra2 import Wish, measure_lyra2
    from lyra_zoom.bench.lyra2_report import lyra2_json, lyra2_table
    from lyra_zoom.engines.lyra2.attention import AttentionKernel
    from lyra_zoom.engines.lyra2.speed import Tuning

    settings = Settings.from_environment(os.environ)
    chosen = [Resolution(arguments.resolution)] if arguments.resolution else list(Resolution)
    wish = Wish(
        steps=arguments.steps,
        tiny=arguments.tiny,
        mode=settings.lyra2_memory,
        precision=arguments.precision,
    )
    wishes = [wish] if arguments.tiny else [replace(wish, size=SIZES[each]) for each in chosen]
    tuning = Tuning(
        attention=AttentionKernel(arguments.attention),
        compile_with=None if arguments.no_compile else "inductor",
    )
    reports = [measure_lyra2(each, _say, tuning) for each in wishes]
    if arguments.json:
        print(json.dumps(lyra2_json(reports), indent=2))
    else:
        print(lyra2_table(reports))


def _judge_pictures(arguments: argparse.Namespace) -> None:
    presets = QUICK_PRESETS if arguments.quick else PRESETS
    subjects = (
        read_views(arguments.views)
        if arguments.views
        else generated_subjects(fresh_seeds(arguments.scenes or DEFAULT_SCENES))
    )
    if arguments.sheet:
        save_sheet(arguments.sheet, subjects, presets, _say)
        return
    rows = measure_quality(subjects, presets, _say)
    if arguments.json:
        print(json.dumps(quality_json(rows), indent=2))
    else:
        print(quality_table(rows))


def _say(message: str) -> None:
    print(message, file=sys.stderr, flush=True)
