"""The sizes of all networks in a folder of weights: the public ones, unless a file is there."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from transformers import CLIPVisionConfig, UMT5Config

from lyra_zoom.engines.lyra2.config import LYRA2_14B, TransformerConfig
from lyra_zoom.engines.lyra2.prompt import umt5_xxl
from lyra_zoom.engines.lyra2.vision import vit_h_14
from lyra_zoom.errors import WeightsUnusable

SIZES_FILE = "sizes.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """What each network is built with."""

    transformer: TransformerConfig = LYRA2_14B
    text: UMT5Config = field(default_factory=umt5_xxl)
    image: CLIPVisionConfig = field(default_factory=vit_h_14)
    vae_base_dim: int = 96


def sizes_in(folder: Path) -> Sizes:
    """The sizes that `sizes.json` in the folder names; without one those of the public weights.

    The file holds an object per network, of the arguments that network is built with.
    """
    file = folder / SIZES_FILE
    if not file.is_file():
        return Sizes()
    try:
        named = json.loads(file.read_text())
        return Sizes(
            transformer=TransformerConfig(**named["transformer"]),
            text=UMT5Config(**named["text"]),
            image=CLIPVisionConfig(**named["image"]),
            vae_base_dim=int(named["vae_base_dim"]),
        )
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise WeightsUnusable(f"{SIZES_FILE} does not name sizes of networks") from error
