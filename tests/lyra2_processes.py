"""What tests of the network run in processes of their own, where shapes are not checked."""

from __future__ import annotations

import multiprocessing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import torch
import torch.distributed as dist
from torch import Tensor

from lyra_zoom.engines.lyra2.config import TransformerConfig
from lyra_zoom.engines.lyra2.parallel import share_tokens
from lyra_zoom.engines.lyra2.transformer import KeptBias, Lyra2Transformer
from tests.golden.lyra2_recipes import DitCase, dit_case, prompt_embeds, tiny_transformer

PROCESSES = multiprocessing.get_context(
    "forkserver"
)  # PyTorch is imported once for all of them
PROCESSES.set_forkserver_preload([__name__])

EIGHT_HEADS = TransformerConfig(
    dim=96, ffn_dim=64, num_layers=2, num_heads=8, text_dim=64, correspondence_rank=8
)


def velocity(
    network: Lyra2Transformer, case: DitCase, keep: KeptBias = KeptBias.PARTS
) -> Tensor:
    """The velocity of a case at one noise level, everything prepared anew."""
    chunk = network.prepare(case.conditions, keep)
    prompt = network.prepare_prompt(case.prompt_embeds)
    return network(case.latents, torch.tensor([500.0]), prompt, chunk)


def random_network() -> Lyra2Transformer:
    """A network whose heads eight processes can share."""
    torch.manual_seed(0)
    network = Lyra2Transformer(EIGHT_HEADS)
    for parameter in network.parameters():
        if parameter.dim() == 1:
            parameter.normal_(mean=1, std=0.1)
        else:
            parameter.normal_(std=parameter.shape[-1] ** -0.5)
    return network


def share(rank: int, processes: int, size: tuple[int, int], folder: Path) -> None:
    """Be one of the processes that share a forward pass; write the velocity into the folder."""
    dist.init_process_group(
        "gloo",
        init_method=f"file://{folder}/meeting",
        rank=rank,
        world_size=processes,
        timeout=timedelta(minutes=3),
    )
    assert dist.group.WORLD is not None
    network = random_network()
    share_tokens(network, dist.group.WORLD)
    case = dit_case(1, *size)
    both = [velocity(network, case, keep) for keep in KeptBias]
    torch.save(both, folder / f"{rank}.pt")
    (folder / f"{rank}.txt").write_text(refusal())
    dist.destroy_process_group()


def refusal() -> str:
    """What is said when the processes of this group are to share three heads."""
    assert dist.group.WORLD is not None
    try:
        share_tokens(Lyra2Transformer(replace(EIGHT_HEADS, num_heads=3)), dist.group.WORLD)
    except ValueError as error:
        return str(error)
    return ""


def compile_whole(file: Path) -> None:
    """Write the velocity of the compiled network, then of the network as it is."""
    network, case = tiny_transformer(), dit_case(200, 4, 6)
    compiled = torch.compile(network, backend="eager", fullgraph=True)
    chunk = network.prepare(case.conditions)
    prompt = network.prepare_prompt(prompt_embeds(203, words=40))
    timestep = torch.tensor([500.0])
    torch.save(
        [net(case.latents, timestep, prompt, chunk) for net in (compiled, network)], file
    )
