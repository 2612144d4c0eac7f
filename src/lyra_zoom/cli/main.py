"""`lyra-zoom`: reads the command, runs it, and turns every error into one clear line."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import traceback
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from lyra_zoom.cli.bench_options import add_lyra2_bench
from lyra_zoom.cli.options import (
    OneLineParser,
    add_actions,
    add_command,
    add_contract_options,
    whole_number_from_1,
)
from lyra_zoom.cli.service_options import add_address, add_data, add_supervised
from lyra_zoom.cli.weights_options import EXAMPLES as WEIGHTS_EXAMPLES
from lyra_zoom.cli.weights_options import add_weights_actions
from lyra_zoom.engines.compile_cache import keep_compiled_code
from lyra_zoom.errors import (
    EXIT_DATABASE_UNUSABLE,
    Cancelled,
    DatabaseUnusable,
    InputRejected,
    LyraZoomError,
    OutputRejected,
)
from lyra_zoom.settings import Settings

if TYPE_CHECKING:
    from lyra_zoom.cli.options import Commands

EXIT_FAILED, EXIT_BAD_INPUT, EXIT_CANCELLED = 1, 2, 130

EXAMPLES = """\
examples:
  lyra-zoom generate photo.jpg --prompt "a harbour at dusk" -o harbour.mp4
  lyra-zoom generate photo.jpg --prompt "a street" -o street.mp4 \\
      --zoom-direction both --num-frames 161 --resolution 720p
  lyra-zoom generate photo.jpg --prompt "a statue" -o statue.mp4 \\
      --zoom-in-trajectory spiral --zoom-in-strength 0.8 --seed 7
  curl -s https://example.com/a.png | lyra-zoom generate - --prompt "hills" -o hills.mp4
"""

BENCH_EXAMPLES = """\
examples:
  lyra-zoom bench --quick                       two videos: a minute
  lyra-zoom bench --quality --quick             two scenes, three moves: two minutes
  lyra-zoom bench --scenes 8 --json             all moves through eight scenes, for a program
  lyra-zoom bench --engine lyra2 --random-weights
                                                the diffusion model's speed on this GPU
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit status is 0, 1 failed, 2 bad input, 130 cancelled.

    It is 3 when the database is damaged, or newer than this program.
    """
    try:
        parsed = _parser().parse_args(arguments)
        keep_compiled_code(Settings.from_environment(os.environ).data)
        importlib.import_module(f"lyra_zoom.cli.{parsed.module}").run(parsed)
    except (InputRejected, OutputRejected) as error:
        return _complain(str(error), EXIT_BAD_INPUT)
    except (Cancelled, KeyboardInterrupt):
        return _complain("cancelled", EXIT_CANCELLED)
    except DatabaseUnusable as error:
        return _complain(str(error), EXIT_DATABASE_UNUSABLE)
    except LyraZoomError as error:
        return _complain(str(error), EXIT_FAILED)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_FAILED
    except Exception as error:  # noqa: BLE001  # a person never reads a stack trace unasked
        return _complain_of_a_mistake_of_ours(error)
    return 0


def _complain(message: str, status: int) -> int:
    line = " ".join(message.split())
    print(f"lyra-zoom: {line}", file=sys.stderr)
    return status


def _complain_of_a_mistake_of_ours(error: Exception) -> int:
    if os.environ.get("LYRA_ZOOM_DEBUG"):
        traceback.print_exception(error)
    what = f"{type(error).__name__}: {error}"
    return _complain(f"failed ({what}); LYRA_ZOOM_DEBUG=1 shows where", EXIT_FAILED)


def _parser() -> argparse.ArgumentParser:
    parser = OneLineParser(
        prog="lyra-zoom",
        description="Turn one photograph into a video in which the camera moves through it.",
    )
    parser.add_argument("--version", action="version", version=version("lyra-zoom"))
    commands = parser.add_subparsers(
        metavar="COMMAND", required=True, parser_class=OneLineParser
    )
    _add_generate(commands)
    _add_depth(commands)
    _add_inspect(commands)
    _add_doctor(commands)
    _add_bench(commands)
    _add_webhooks(commands)
    _add_serve(commands)
    _add_api(commands)
    _add_work(commands)
    _add_keys(commands)
    _add_weights(commands)
    return parser


def _add_generate(commands: Commands) -> None:
    parser = add_command(
        commands,
        "generate",
        "make a video of a photograph",
        "Make a video in which the camera moves through a photograph.",
        examples=EXAMPLES,
    )
    parser.usage = "%(prog)s IMAGE --prompt TEXT -o OUT.mp4 [options]"
    _add_image(parser)
    parser.add_argument("-o", "--output", required=True, metavar="OUT.mp4", help="the video")
    parser.add_argument(
        "--json", action="store_true", help="print the answer of the API, and nothing else"
    )
    add_contract_options(parser)


def _add_depth(commands: Commands) -> None:
    parser = add_command(
        commands,
        "depth",
        "see how near everything in a photograph is",
        "Write the relative disparity of a photograph at its own size: larger is "
        "nearer. OUT.npy holds float32, OUT.png 16 bits.",
    )
    _add_image(parser)
    parser.add_argument("-o", "--output", required=True, metavar="OUT.npy|OUT.png")


def _add_inspect(commands: Commands) -> None:
    parser = add_command(
        commands,
        "inspect",
        "read how a video was made",
        "Print the request, engine, version and camera path stored in a video.",
    )
    parser.add_argument("file", metavar="FILE.mp4")
    parser.add_argument("--json", action="store_true", help="everything, as one JSON object")


def _add_doctor(commands: Commands) -> None:
    add_command(
        commands,
        "doctor",
        "see what this machine can run and what is missing",
        "Say in plain words what this machine can run and what is missing.",
    )


def _add_bench(commands: Commands) -> None:
    parser = add_command(
        commands,
        "bench",
        "measure how fast this machine is, how good the pictures, how fast the service",
        "Measure speed and memory beside their floors, in one run.\n"
        "With --quality: how close frames come to what a camera there would really see.\n"
        "With --server: how fast a service of its own answers.\n"
        "With --engine lyra2: how fast the diffusion model would be on this GPU.",
        examples=BENCH_EXAMPLES,
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument(
        "--quick",
        action="store_true",
        help="only the shortest video of each size; with --quality, only zoom in, zoom out and "
        "orbit",
    )
    parser.add_argument(
        "--quality",
        action="store_true",
        help="judge pictures instead: generated scenes whose other views are known, drawn with "
        "true depth, with our own depth, and by two simpler methods; 15 to 30 s per scene and "
        "move",
    )
    parser.add_argument(
        "--server",
        action="store_true",
        help="measure the service instead: submits, statuses, pick-up, cancel, a long queue; "
        "starts one on a fresh folder; two minutes (--quick: one)",
    )
    parser.add_argument(
        "--scenes",
        type=whole_number_from_1,
        metavar="N",
        help="how many scenes to judge (default 2); implies --quality",
    )
    parser.add_argument(
        "--views",
        type=Path,
        metavar="FOLDER",
        help="judge by rendered views instead of generated scenes: the folder that "
        "training.blender.novel filled; implies --quality",
    )
    parser.add_argument(
        "--sheet",
        type=Path,
        metavar="FILE",
        help="instead of figures, a picture (.png or .jpg) of each move's end: photograph, "
        "true view, both simpler methods, ours twice; implies --quality",
    )
    add_lyra2_bench(parser)


def _add_webhooks(commands: Commands) -> None:
    parser = add_command(
        commands,
        "webhooks",
        "see what receivers of webhooks were told, and tell them again",
        "Look after the webhooks of the server on this data folder or database.",
    )
    actions = add_actions(parser)
    listing = actions.add_parser("list", help="the latest 200 deliveries, newest first")
    listing.add_argument("--failed", action="store_true", help="only those that were given up")
    listing.add_argument("--json", action="store_true", help="everything, as one JSON array")
    again = actions.add_parser("redeliver", help="send a webhook again, now")
    again.add_argument("request_id", metavar="REQUEST_ID", nargs="+")
    rotate = actions.add_parser(
        "rotate-key",
        help="publish a new signing key, which signs from tomorrow on",
    )
    rotate.add_argument(
        "--at-once",
        action="store_true",
        help="sign with it now and forget all older keys: for when a key has leaked",
    )


def _add_serve(commands: Commands) -> None:
    parser = add_command(
        commands,
        "serve",
        "run the API, the page and workers on this machine",
        "Run the API, the page and workers on this machine. Prints `ready URL` "
        "once it answers, and the first time a key to call it with.",
    )
    add_address(parser)
    parser.add_argument(
        "--workers",
        type=whole_number_from_1,
        metavar="N",
        help="requests worked on at once (default: one; with lyra2, one for each GPU)",
    )


def _add_api(commands: Commands) -> None:
    parser = add_command(
        commands,
        "api",
        "answer HTTP requests; workers run elsewhere",
        "Answer HTTP requests and queue them for workers that run elsewhere, on "
        "the same database and storage.",
    )
    add_address(parser)
    add_supervised(parser)


def _add_work(commands: Commands) -> None:
    parser = add_command(
        commands,
        "work",
        "work on requests; the API runs elsewhere",
        "Work on queued requests, one at a time, on the same database and storage "
        "as the API that took them.",
    )
    parser.add_argument(
        "--executor-id",
        metavar="ID",
        help="a name no other live worker has; with the same one after a restart, it goes on "
        "at once with what it left (default: a new one)",
    )
    add_data(parser)
    add_supervised(parser)


def _add_keys(commands: Commands) -> None:
    parser = add_command(
        commands,
        "keys",
        "make, list and revoke API keys",
        "Make API keys, list them, or make one useless. A key is shown only once.",
    )
    actions = add_actions(parser)
    create = actions.add_parser("create", help="make a key and print it")
    create.add_argument("name", metavar="NAME", nargs="?", default="", help="a note for people")
    listing = actions.add_parser("list", help="show every key there is, without its secret")
    revoke = actions.add_parser("revoke", help="make a key useless, within seconds")
    revoke.add_argument("key_id", metavar="ID", help="the part of the key before the colon")
    for action in (create, listing, revoke):
        add_data(action)


def _add_weights(commands: Commands) -> None:
    parser = add_command(
        commands,
        "weights",
        "fetch, convert and check the weights of the lyra2 engine",
        "Look after the weights of the lyra2 engine, which are not part of this\n"
        "program and have a licence of their own. They live in LYRA_ZOOM_LYRA2_WEIGHTS.",
        examples=WEIGHTS_EXAMPLES,
    )
    add_weights_actions(parser)


def _add_image(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "image", metavar="IMAGE", help="a file, - for standard input, a data URI or an address"
    )
