"""The options of `lyra-zoom weights`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, get_args

from lyra_zoom.cli.options import OneLineParser, add_actions
from lyra_zoom.cli.service_options import add_data
from lyra_zoom.engines.lyra2.installed import DepthChoice

if TYPE_CHECKING:
    from lyra_zoom.cli.options import Commands

EXAMPLES = """\
examples:
  lyra-zoom weights pull lyra2                          asks before it fetches anything
  lyra-zoom weights convert lyra2 ~/Lyra-2.0 --tokenizer ~/umt5-xxl
  lyra-zoom weights check lyra2                         reads every file: minutes
"""


def add_weights_actions(parser: OneLineParser) -> None:
    """Pull, convert and check."""
    actions = add_actions(parser)
    _add_pull(actions)
    _add_convert(actions)
    check = actions.add_parser(
        "check",
        help="see whether every file and every tensor is there",
        description="Read every file of the weights, compare it with its SHA-256, and every "
        "tensor's name and shape with the networks. Status 1 when something is wrong.",
    )
    _add_engine(check)


def _add_pull(actions: Commands) -> None:
    parser = actions.add_parser(
        "pull",
        help="fetch the public weights and convert them",
        description="Show the licence, fetch the public weights from the Hugging Face Hub, "
        "compare them with their hashes there, and convert them. The same command again goes "
        "on where one was interrupted. HF_TOKEN and HF_ENDPOINT work as everywhere.",
    )
    _add_engine(parser)
    parser.add_argument(
        "--revision",
        metavar="COMMIT",
        help="commit, tag or branch of the weights' repository (default: main, the newest)",
    )
    parser.add_argument(
        "--keep-downloads",
        action="store_true",
        help="keep the published files beside the converted ones, which are all that is needed",
    )
    _add_choices(parser, default="dav2-small")


def _add_convert(actions: Commands) -> None:
    parser = actions.add_parser(
        "convert",
        help="convert published checkpoints that you have",
        description="Turn a folder of published checkpoints (model, vae, text_encoder, "
        "image_encoder, lora, recon), or a folder with checkpoints in it, into weights for the "
        "engine. Needs no network; a file is read tensor by tensor.",
    )
    _add_engine(parser)
    parser.add_argument("folder", metavar="FOLDER", type=Path, help="the published checkpoints")
    parser.add_argument(
        "--tokenizer",
        metavar="DIR",
        type=Path,
        help="where tokenizer.json of google/umt5-xxl is (default: FOLDER/tokenizer)",
    )
    parser.add_argument(
        "--depth-model",
        metavar="DIR",
        type=Path,
        help="where the published files of the depth model are; needed with da3 and dav2-small",
    )
    parser.add_argument(
        "--revision",
        metavar="COMMIT",
        help="which commit the checkpoints are of: written down, and shown by check",
    )
    _add_choices(parser, default="embedded")


def _add_engine(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("engine", choices=["lyra2"], metavar="lyra2", help="whose weights")
    add_data(parser)


def _add_choices(parser: argparse.ArgumentParser, default: DepthChoice) -> None:
    parser.add_argument(
        "--depth",
        choices=get_args(DepthChoice),
        default=default,
        help="who sees depth: da3, as the reference does (CC BY-NC; needs the package "
        "depth-anything-3), dav2-small (Apache-2.0), or the embedded network "
        "(default %(default)s)",
    )
    parser.add_argument(
        "--leave-out",
        metavar="PATTERN",
        action="append",
        default=[],
        help="published tensors that no network of ours knows and that are not needed",
    )
    parser.add_argument(
        "--accept-licence",
        action="store_true",
        help="accept the licence of the weights without being asked",
    )
