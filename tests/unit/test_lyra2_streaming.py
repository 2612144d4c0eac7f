"""Blocks that visit the device in turn compute what they would compute at home."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="the lyra2 engine needs torch")

from torch import nn  # noqa: E402

from lyra_zoom.engines.lyra2.pinned import PAGE_BYTES, lock_pages, whole_pages  # noqa: E402
from lyra_zoom.engines.lyra2.quantize import Fp8Linear  # noqa: E402
from lyra_zoom.engines.lyra2.streaming import (  # noqa: E402
    ALIGNMENT,
    BlockStream,
    bytes_of,
    layout_of,
)

CPU = torch.device("cpu")


class Block(nn.Module):
    """Tensors of several kinds and sizes."""

    def __init__(self, number: int) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(number)
        self.linear = nn.Linear(7, 7)
        with torch.no_grad():
            self.linear.weight.copy_(torch.randn(7, 7, generator=generator))
        self.norm = nn.LayerNorm(7).bfloat16()
        self.register_buffer("number", torch.tensor(float(number)))

    def forward(self, tokens):
        normed = self.norm(tokens.bfloat16()).float()
        return tokens + self.linear(normed) + self.get_buffer("number")


def through(blocks, tokens):
    for block in blocks:
        tokens = block(tokens)
    return tokens


@pytest.fixture
def blocks():
    return nn.ModuleList([Block(number) for number in range(5)]).requires_grad_(False)


@pytest.fixture
def tokens():
    return torch.randn(3, 7, generator=torch.Generator().manual_seed(9))


@pytest.mark.parametrize("ahead", [0, 1, 2, 7])
def test_streamed_blocks_give_the_very_same(blocks, tokens, ahead):
    truth = through(blocks, tokens)
    stream = BlockStream(blocks, CPU, ahead)
    assert torch.equal(through(stream(), tokens), truth)


def test_a_second_pass_gives_the_same_again(blocks, tokens):
    stream = BlockStream(blocks, CPU, ahead=1)
    assert torch.equal(through(stream(), tokens), through(stream(), tokens))


def test_a_pass_that_was_broken_off_does_not_disturb_the_next(blocks, tokens):
    truth = through(blocks, tokens)
    stream = BlockStream(blocks, CPU, ahead=2)
    broken_off = stream()
    next(broken_off)
    next(broken_off)
    assert torch.equal(through(stream(), tokens), truth)


def test_only_as_many_blocks_are_on_the_device_as_were_asked_for(blocks):
    one_block = BlockStream(blocks, CPU, ahead=0).device_bytes
    stream = BlockStream(blocks, CPU, ahead=2)
    assert stream.device_bytes == 3 * one_block
    assert len({id(block) for block in stream()}) == 3


def test_weights_changed_at_home_are_those_that_visit(blocks, tokens):
    stream = BlockStream(blocks, CPU)
    before = through(stream(), tokens)
    with torch.no_grad():
        blocks[3].linear.weight.add_(0.5)
    assert torch.equal(through(stream(), tokens), through(blocks, tokens))
    assert not torch.equal(through(stream(), tokens), before)


def test_the_blocks_at_home_still_work(blocks, tokens):
    truth = through(blocks, tokens)
    BlockStream(blocks, CPU)
    assert torch.equal(through(blocks, tokens), truth)


def test_eight_bit_weights_stream_as_well(tokens):
    layers = nn.ModuleList(Fp8Linear(nn.Linear(7, 7)) for _ in range(4))
    truth = through(layers, tokens)
    assert torch.equal(through(BlockStream(layers, CPU)(), tokens), truth)


def test_every_tensor_begins_where_the_gpu_likes_it(blocks):
    places = layout_of(blocks[0])
    assert {place.start % ALIGNMENT for place in places} == {0}
    assert [place.name for place in places] == [
        "linear.weight",
        "linear.bias",
        "norm.weight",
        "norm.bias",
        "number",
    ]


def test_blocks_of_different_build_are_refused(blocks):
    with pytest.raises(ValueError, match="other tensors"):
        BlockStream([*blocks, nn.Linear(7, 7)], CPU)


def test_all_blocks_take_what_they_are_large_and_no_power_of_two(blocks):
    needed = len(blocks) * bytes_of(layout_of(blocks[0]))
    host_bytes = BlockStream(blocks, CPU).host_bytes
    assert needed <= host_bytes < needed + PAGE_BYTES


class Runtime:
    """CUDA, as far as pages are concerned; gives this error whenever it is asked for some."""

    def __init__(self, error: int = 0) -> None:
        self.error = error
        self.locked: dict[int, int] = {}

    def cudaHostRegister(self, pointer, nbytes, flags):  # noqa: N802
        if not self.error:
            self.locked[pointer] = nbytes
        return self.error

    def cudaHostUnregister(self, pointer):  # noqa: N802
        del self.locked[pointer]


class Owner:
    """Whoever needs the memory."""


def test_whole_pages_are_locked_as_long_as_they_are_needed():
    runtime, owner, memory = Runtime(), Owner(), whole_pages(3 * PAGE_BYTES - 5)
    assert lock_pages(memory, owner, runtime)
    ((pointer, nbytes),) = runtime.locked.items()
    assert (pointer % PAGE_BYTES, nbytes) == (0, 3 * PAGE_BYTES)
    del owner
    assert runtime.locked == {}


def test_memory_that_cannot_be_locked_is_told_of_and_used_as_it_is(caplog):
    assert not lock_pages(whole_pages(PAGE_BYTES), Owner(), Runtime(error=2))
    assert "more slowly" in caplog.text
