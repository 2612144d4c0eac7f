"""The depth model beside the transformer: whether its files are there, and fit it.

Depth Anything 3 is made of two files: the published model, and what Lyra trained further, which
takes the place of tensors of the same name. The code of that network is in a package that is
not ours, so that the published model stands for what it should have.
"""

from __future__ import annotations

from pathlib import Path

import torch

from lyra_zoom.engines.lyra2.depth_dav2 import load_depth_anything_v2
from lyra_zoom.engines.lyra2.depth_metric import load_metric_depth
from lyra_zoom.engines.lyra2.filling import Shapes, compare_part
from lyra_zoom.engines.lyra2.installed import DepthChoice, WeightsFolder
from lyra_zoom.errors import EngineNotReady, WeightsUnusable
from lyra_zoom.weights.parts import DEPTH, DEPTH_FILES, DEPTH_REPOSITORIES
from lyra_zoom.weights.sources import shapes_in

SPLATS = ("*gs_head.*", "*gs_adapter.*")
"""Patterns of what Lyra trained to make splats with; nothing here asks for them."""


def check_depth_files(choice: DepthChoice, folder: Path | None) -> None:
    """Raise `WeightsUnusable` unless the folder has the files that the depth model needs."""
    needed = DEPTH_FILES[choice]
    missing = [name for name in needed if folder is None or not (folder / name).is_file()]
    if missing:
        where = "" if folder is None else f" in {folder}"
        raise WeightsUnusable(
            f"the depth model {choice} needs {' and '.join(missing)}{where}: hf download "
            f"{DEPTH_REPOSITORIES[choice]} fetches it, and --depth-model DIR says where it is; "
            "--depth embedded needs none"
        )


def check_depth_model(choice: DepthChoice, folder: Path, trained: Shapes) -> None:
    """Raise `WeightsUnusable` where a file in the folder is not of this model.

    `trained` are the shapes of what Lyra trained further: all of it must be of that model, too.
    """
    if choice == "da3":
        compare_part(trained, shapes_in(folder / "model.safetensors"), DEPTH.words)
    if choice == "dav2-small":
        load_depth_anything_v2(folder, kind="relative")


def check_metric_depth(folder: WeightsFolder) -> None:
    """Raise `WeightsUnusable` where a model that knows metres lies there and cannot be used."""
    try:
        load_metric_depth(folder.metric_depth, torch.device("cpu"))
    except EngineNotReady as error:
        raise WeightsUnusable(str(error)) from error


def metric_depth_line(folder: WeightsFolder) -> str:
    """What is there to measure in metres with: no conversion puts it there, or lists it."""
    if not folder.metric_depth.is_dir():
        return "metric depth model: none, so that depth keeps the unit of the depth model"
    return "metric depth model: what was put into depth/metric, which is in no list"
