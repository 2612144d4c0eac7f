"""Options of `lyra-zoom bench` for the engine that needs a GPU."""

from __future__ import annotations

import argparse

from lyra_zoom.cli.options import whole_number_from_1
from lyra_zoom.contract.zoom import Resolution


def add_lyra2_bench(parser: argparse.ArgumentParser) -> None:
    """`--engine lyra2 --random-weights` and what goes with it."""
    group = parser.add_argument_group(
        "the lyra2 engine",
        "Its true sizes with random weights: no weights needed, but a GPU. "
        "LYRA_ZOOM_LYRA2_MEMORY chooses the memory mode.",
    )
    group.add_argument(
        "--engine",
        choices=("embedded", "lyra2"),
        default="embedded",
        metavar="NAME",
        help="embedded (default) or lyra2",
    )
    group.add_argument(
        "--random-weights",
        action="store_true",
        help="needed with --engine lyra2: says that no picture comes of it",
    )
    group.add_argument(
        "--resolution",
        choices=[str(each) for each in Resolution],
        metavar="NAME",
        help="480p or 720p (default both)",
    )
    group.add_argument(
        "--steps",
        type=whole_number_from_1,
        default=28,
        metavar="N",
        help="denoise steps with guidance, besides the four distilled ones (default 28)",
    )
    group.add_argument(
        "--precision",
        choices=("auto", "bf16", "fp8", "int8"),
        default="auto",
        metavar="NAME",
        help="of the large matrices: bf16, fp8 or int8 (default: what memory asks for)",
    )
    group.add_argument(
        "--attention",
        choices=("auto", "sdpa", "cudnn", "flash3", "sage"),
        default="auto",
        metavar="NAME",
        help="the kernel: sdpa, cudnn, flash3 or sage (default auto)",
    )
    group.add_argument("--no-compile", action="store_true", help="leave the blocks as they are")
    group.add_argument(
        "--tiny",
        action="store_true",
        help="tiny sizes on the CPU: only shows that the benchmark runs",
    )
