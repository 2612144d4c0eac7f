"""The newest frame as the transformer's image attention reads it: a CLIP picture tower.

Source: Lyra 2.0 specification, section 9. The picture is squeezed into the tower's square, and
the states before the last block are used, as Wan 2.1 does.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
import torch.nn.functional as F  # noqa: N812  # its name everywhere
from jaxtyping import Float
from torch import Tensor
from transformers import CLIPVisionConfig, CLIPVisionModel

from lyra_zoom.engines.lyra2.filling import filled
from lyra_zoom.engines.lyra2.residence import at_work

SIXTEEN_BITS = torch.float16
"""What the tower computes in on a GPU; all other networks there take bfloat16."""

CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)
"""Of the colours, 0 to 1, of the pictures CLIP was trained with."""


def vit_h_14() -> CLIPVisionConfig:
    """The sizes of open-clip's ViT-H/14 tower, which comes with XLM-RoBERTa."""
    return CLIPVisionConfig(
        hidden_size=1280,
        intermediate_size=5120,
        num_hidden_layers=32,
        num_attention_heads=16,
        patch_size=14,
        image_size=224,
        hidden_act="gelu",
    )


class ImageEncoder:
    """Pictures to embeddings; works on `device` and leaves the tower where it was given."""

    def __init__(self, tower: CLIPVisionModel, device: torch.device) -> None:
        self._tower = tower
        self._device = device

    @torch.no_grad()
    def __call__(self, frame: Float[Tensor, "3 H W"]) -> Float[Tensor, "1 T D"]:
        """Embeddings of a frame within [-1, 1], 257 of them at full size, on the device."""
        dtype = self._tower.embeddings.patch_embedding.weight.dtype
        pixels = self._pixels(frame.to(self._device, torch.float32)).to(dtype)
        with at_work(self._tower, self._device):
            states = self._tower(pixel_values=pixels, output_hidden_states=True).hidden_states
        return states[-2]

    def _pixels(self, frame: Tensor) -> Tensor:
        patches = self._tower.embeddings.num_patches**0.5
        side = round(patches) * self._tower.embeddings.patch_embedding.stride[0]
        square = F.interpolate(frame[None], (side, side), mode="bicubic", align_corners=False)
        mean, std = (
            frame.new_tensor(values)[:, None, None] for values in (CLIP_MEAN, CLIP_STD)
        )
        return (square * 0.5 + 0.5 - mean) / std


def empty_image_encoder(config: CLIPVisionConfig | None = None) -> CLIPVisionModel:
    """The tower with names and shapes but without numbers."""
    with torch.device("meta"):
        return CLIPVisionModel(config or vit_h_14())


def build_image_encoder(
    state: Mapping[str, Tensor], config: CLIPVisionConfig | None = None
) -> CLIPVisionModel:
    """The tower with these tensors, named as in transformers (`vision_keys` renames Wan's)."""
    tower = empty_image_encoder(config)
    filled(tower, state, "the image encoder")
    embeddings = tower.embeddings
    positions = torch.arange(embeddings.num_positions)[None]
    embeddings.register_buffer("position_ids", positions, persistent=False)  # in no file
    return tower
