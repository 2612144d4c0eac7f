"""Makes a loaded transformer ready for a device: where weights lie, kernels, compilation.

What is not here, and why. CUDA graphs save the time to launch kernels: of a forward pass of
seconds that is a few milliseconds. Decoding a chunk cannot overlap with denoising the next one,
which looks at the last decoded frame through depth, CLIP and the autoencoder; what a GPU can do
meanwhile is bring frames to the host, and the host can encode the video. LoRAs are merged, so
they cost nothing while frames are made, and text embeddings are cached by `prompt.py`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, cast

import torch
from torch import Tensor, nn

from lyra_zoom.engines.lyra2.attention import AttentionKernel, choose_attention
from lyra_zoom.engines.lyra2.blocks import Block, Context
from lyra_zoom.engines.lyra2.budget import Mode, Precision
from lyra_zoom.engines.lyra2.faults import in_one_line
from lyra_zoom.engines.lyra2.lora import LoraMerger
from lyra_zoom.engines.lyra2.modes import MemoryPlan
from lyra_zoom.engines.lyra2.quantize import (
    EightBitMerger,
    eight_bits_for,
    quantize_blocks,
)
from lyra_zoom.engines.lyra2.streaming import BlockStream
from lyra_zoom.engines.lyra2.transformer import KeptBias, Lyra2Transformer
from lyra_zoom.errors import EngineNotReady

Backend: TypeAlias = str | Callable[..., Any]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuning:
    """How fast, apart from where weights lie; `compile_with` is a backend of torch.compile."""

    attention: AttentionKernel = AttentionKernel.AUTO
    compile_with: Backend | None = "inductor"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadyTransformer:
    """A transformer that works on `device`; `merger` switches its LoRAs."""

    transformer: Lyra2Transformer
    merger: LoraMerger
    device: torch.device


def make_ready(
    transformer: Lyra2Transformer,
    plan: MemoryPlan,
    device: torch.device,
    base: Mapping[str, Tensor],
    tuning: Tuning | None = None,
) -> ReadyTransformer:
    """Place the weights as planned, choose kernels and compile; the weights come from the host.

    `base` gives the weights without LoRAs by parameter name, whenever LoRAs change. On the CPU
    nothing is compiled.
    """
    tuning = tuning or Tuning()
    if plan.precision is not Precision.BF16:
        _to_eight_bits(transformer, plan.precision, plan.mode, device)
    transformer.kept_bias = KeptBias.WHOLE if plan.keeps_bias else KeptBias.PARTS
    _place(transformer, plan.mode, device)
    transformer.use_attention(choose_attention(tuning.attention, device))
    if device.type == "cuda" and tuning.compile_with is not None:
        compile_blocks(transformer.visitors or transformer.blocks, tuning.compile_with)
    merger = LoraMerger if plan.precision is Precision.BF16 else EightBitMerger
    logger.info("the transformer is ready plan=%s device=%s", plan, device)
    return ReadyTransformer(
        transformer=transformer,
        merger=merger(transformer, base, device),
        device=device,
    )


def compile_blocks(blocks: Iterable[nn.Module], backend: Backend) -> None:
    """Compile every block on its first use, once for each size of video.

    All blocks share one compiled program. Where compiling fails, they go on as they are, and
    the log says why.
    """
    compiled: list[_CompiledForward] = []
    for block in blocks:
        compiled.append(_CompiledForward(block, backend, compiled))


class _CompiledForward:
    """Stands before a block's own `forward`; all `others` step aside with it if need be."""

    def __init__(
        self, block: nn.Module, backend: Backend, others: Sequence[_CompiledForward]
    ) -> None:
        self._block = block
        self._others = others
        self._plain = block.forward
        self._compiled = torch.compile(block.forward, backend=backend, dynamic=False)
        block.forward = self

    def __call__(self, *inputs: Any) -> Any:  # noqa: ANN401  # whatever the block is given
        try:
            return self._compiled(*inputs)
        except torch._dynamo.exc.TorchDynamoException as error:
            logger.warning("the blocks are not compiled reason=%s", in_one_line(error))
            for each in self._others:
                each.step_aside()
            return self._plain(*inputs)

    def step_aside(self) -> None:
        """Leave the block as it was."""
        self._block.forward = self._plain


def _to_eight_bits(
    transformer: Lyra2Transformer, kind: Precision, mode: Mode, device: torch.device
) -> None:
    """Block by block on the device, so that sixteen bits of all are never there."""
    if kind is Precision.FP8 and device.type == "cuda" and eight_bits_for(device) is not kind:
        raise EngineNotReady("this GPU cannot multiply fp8; int8 works on any")
    home = transformer.new_patches.weight.device if mode is Mode.STREAM else device
    for index, block in enumerate(transformer.blocks):
        block.to(device)
        quantize_blocks(_Alone(index, block), kind)
        block.to(home)


class _Alone(nn.Module):
    """One block under the name it has in the transformer."""

    def __init__(self, index: int, block: nn.Module) -> None:
        super().__init__()
        self.blocks = nn.ModuleDict({str(index): block})


def _place(transformer: Lyra2Transformer, mode: Mode, device: torch.device) -> None:
    """Move what stays to the device, and let the rest come from the host."""
    at_home: dict[str, nn.Module] = {}
    if mode is not Mode.FULL:
        layers = cast("Iterable[Context]", transformer.contexts)
        transformer.context_source = BlockStream(layers, device)
        at_home["contexts"] = transformer.contexts
    if mode is Mode.STREAM:
        blocks = BlockStream(cast("Iterable[Block]", transformer.blocks), device)
        transformer.block_source, transformer.visitors = blocks, blocks.templates
        at_home["blocks"] = transformer.blocks
    for name, part in transformer.named_children():
        if name not in at_home:
            part.to(device)
