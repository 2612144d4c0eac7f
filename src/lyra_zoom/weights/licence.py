"""What the licence of the weights allows, as far as we know, and who accepted it here."""

from __future__ import annotations

import getpass
import json
import platform
from datetime import UTC, datetime

from lyra_zoom.engines.lyra2.installed import LICENCE, DepthChoice, WeightsFolder
from lyra_zoom.weights.parts import TOKENIZER_REPOSITORY, WEIGHTS_REPOSITORY

SITUATION = f"""\
The weights of Lyra 2.0 are NVIDIA's. They are not part of lyra-zoom, and are under the

    {LICENCE}

shown with them at https://huggingface.co/{WEIGHTS_REPOSITORY}. The authors of lyra-zoom
could not read its full text: read it there yourself before you accept it. What is known of it:

  - By its name and by what NVIDIA's maintainers say in public, it is for research and
    development inside your own organisation. They give as the reason that training data (DL3DV)
    may not be used commercially.
  - Anything commercial needs another licence from NVIDIA. A paid service on these weights is
    not covered.
  - Two of the three LoRAs, realism_boost and detail_enhancer, come from community LoRAs for
    Wan 2.1 (FusionX). Their own terms were not looked into.

Fetched with them: the tokenizer {TOKENIZER_REPOSITORY}, Apache-2.0; {{depth}}
The embedded engine of lyra-zoom needs none of this.
"""

DEPTH_TERMS: dict[DepthChoice, str] = {
    "da3": "Depth Anything 3\n(nested, giant), CC BY-NC 4.0: not for commercial use.",
    "dav2-small": "Depth Anything V2\nSmall, Apache-2.0.",
    "embedded": "no depth model, since\nthe one inside lyra-zoom is used.",
}


def situation(depth: DepthChoice) -> str:
    """What a person should know before accepting."""
    return SITUATION.format(depth=DEPTH_TERMS[depth])


def accept(folder: WeightsFolder) -> None:
    """Write down that the licence was accepted, by whom, and when."""
    folder.path.mkdir(parents=True, exist_ok=True)
    record = {
        "licence": LICENCE,
        "accepted_by": f"{_person()} on {platform.node()}",
        "accepted_at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    folder.licence_file.write_text(json.dumps(record, indent=1) + "\n")


def _person() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # containers run as users without a name
        return "somebody"
