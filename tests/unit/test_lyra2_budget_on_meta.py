"""The figures of the budget, found again by running the true sizes without content."""

from __future__ import annotations

from dataclasses import replace

import pytest

torch = pytest.importorskip("torch", reason="the lyra2 engine needs torch")

from diffusers.models.autoencoders.autoencoder_kl_wan import (  # noqa: E402
    AutoencoderKLWan,
)
from torch import nn  # noqa: E402

from lyra_zoom.engines.lyra2 import transformer as network_module  # noqa: E402
from lyra_zoom.engines.lyra2.blocks import Block, Context  # noqa: E402
from lyra_zoom.engines.lyra2.budget import (  # noqa: E402
    AUTOENCODER_BYTES,
    CONVOLVING,
    DECODER_STREAM,
    DECODING,
    ENCODER_STREAM,
    ENCODING,
    IMAGE_ENCODER_BYTES,
    TEXT_ENCODER_BYTES,
    Mode,
    Phase,
    activation_bytes,
    budget_of,
    conditions_bytes,
    parameter_counts,
    prepared_bytes,
    total,
    transformer_bytes,
)
from lyra_zoom.engines.lyra2.conditions import Conditions  # noqa: E402
from lyra_zoom.engines.lyra2.config import LYRA2_14B  # noqa: E402
from lyra_zoom.engines.lyra2.latents import Autoencoder  # noqa: E402
from lyra_zoom.engines.lyra2.prompt import umt5_xxl  # noqa: E402
from lyra_zoom.engines.lyra2.streaming import bytes_of as bytes_at_home  # noqa: E402
from lyra_zoom.engines.lyra2.streaming import layout_of  # noqa: E402
from lyra_zoom.engines.lyra2.transformer import Lyra2Transformer  # noqa: E402
from lyra_zoom.engines.lyra2.vision import vit_h_14  # noqa: E402
from lyra_zoom.geometry.image import Size  # noqa: E402
from tests.peak_bytes import PeakBytes, WidestConvolution  # noqa: E402

TWO_LAYERS = replace(LYRA2_14B, num_layers=2)
SMALL, LARGE = Size(832, 480), Size(1280, 720)


def empty_attention(query, key, value):
    """What a fused kernel takes: its result and nothing else."""
    return torch.empty_like(query)


def conditions(size: Size) -> Conditions:
    h, w = size.height // 8, size.width // 8
    return Conditions(
        history_latents=torch.empty(1, 16, 25, h, w, dtype=torch.bfloat16),
        warped_latents=torch.empty(1, 16, 20, h, w, dtype=torch.bfloat16),
        rays=torch.empty(1, 384, 45, h, w, dtype=torch.bfloat16),
        correspondence=torch.empty(1, 1280, 45, h, w, dtype=torch.bfloat16),
        image_embeds=torch.empty(1, 257, 1280, dtype=torch.bfloat16),
    )


def tensors_in(value):
    if isinstance(value, torch.Tensor):
        return [value]
    if isinstance(value, tuple):
        return [tensor for each in value for tensor in tensors_in(each)]
    fields = getattr(value, "__dataclass_fields__", {})
    return [tensor for name in fields for tensor in tensors_in(getattr(value, name))]


def bytes_of(*values) -> int:
    storages = {}
    for tensor in tensors_in(values):
        storages[tensor.untyped_storage()._cdata] = tensor.untyped_storage().nbytes()
    return sum(storages.values())


@pytest.fixture(scope="module")
def network():
    with torch.device("meta"):
        network = Lyra2Transformer(TWO_LAYERS).bfloat16()
    network.use_attention(empty_attention)
    return network


def test_the_parameters_are_those_of_the_network():
    with torch.device("meta"):
        network = Lyra2Transformer(LYRA2_14B)
    counts = {
        name: sum(parameter.numel() for parameter in part.parameters())
        for name, part in network.named_children()
    }
    assert counts == parameter_counts()


@pytest.mark.parametrize("size", [SMALL, LARGE])
def test_a_forward_pass_holds_what_the_budget_says(network, size):
    with torch.no_grad(), torch.device("meta"):
        given = conditions(size)
        prompt = network.prepare_prompt(torch.empty(1, 512, 4096))
        chunk = network.prepare(given)
        latents, timestep = torch.empty(1, 16, 20, *given.rays.shape[-2:]), torch.empty(1)
        with PeakBytes() as counted:
            network(latents, timestep, prompt, chunk)
    assert 0.85 * activation_bytes(size) < counted.peak < activation_bytes(size)


@pytest.mark.parametrize("whole", [False, True])
def test_what_is_prepared_is_what_the_budget_says(network, whole):
    keep = network_module.KeptBias.WHOLE if whole else network_module.KeptBias.PARTS
    with torch.no_grad(), torch.device("meta"):
        given = conditions(SMALL)
        prompts = [network.prepare_prompt(torch.empty(1, 512, 4096)) for _ in range(2)]
        chunk = network.prepare(given, keep)
    expected = prepared_bytes(SMALL, TWO_LAYERS, keeps_bias=whole)
    assert bytes_of(chunk, tuple(prompts)) == pytest.approx(expected, rel=0.02)


@pytest.mark.parametrize("size", [SMALL, LARGE])
def test_preparing_a_chunk_holds_what_the_budget_says(network, size):
    with torch.no_grad(), torch.device("meta"):
        given = conditions(size)
        with PeakBytes(besides=network.parameters()) as counted:
            network.prepare(given)
    expected = total(budget_of(size, Mode.FULL, config=TWO_LAYERS).phases[Phase.PREPARING])
    assert 0.95 * expected < counted.peak < expected


def test_conditions_take_what_the_budget_says():
    with torch.device("meta"):
        given = conditions(LARGE)
    assert bytes_of(given) == pytest.approx(conditions_bytes(LARGE), rel=0.001)


def test_the_autoencoder_holds_what_the_budget_says():
    size = Size(64, 64)
    with torch.no_grad(), torch.device("meta"):
        autoencoder = Autoencoder(in_sixteen_bits(AutoencoderKLWan()))
        encoder, decoder = autoencoder.open_encoder(), autoencoder.open_decoder()
        encoder.encode(torch.empty(3, 5, size.height, size.width))
        decoder.decode(torch.empty(16, 2, size.height // 8, size.width // 8))
        with PeakBytes() as encoding:
            encoder.encode(torch.empty(3, 4, size.height, size.width))
        with PeakBytes() as decoding:
            decoder.decode(torch.empty(16, 1, size.height // 8, size.width // 8))
    pixels = size.width * size.height
    assert bytes_of(tuple(encoder._cache)) == pytest.approx(ENCODER_STREAM * pixels, rel=0.01)
    assert bytes_of(tuple(decoder._cache)) == pytest.approx(DECODER_STREAM * pixels, rel=0.01)
    assert encoding.peak == pytest.approx(ENCODING * pixels, rel=0.02)
    assert decoding.peak == pytest.approx(DECODING * pixels, rel=0.02)
    assert parameter_bytes(autoencoder.vae) == AUTOENCODER_BYTES


def test_the_workspace_is_as_large_as_what_the_widest_convolution_reads_and_writes():
    with torch.no_grad(), torch.device("meta"):
        autoencoder = Autoencoder(in_sixteen_bits(AutoencoderKLWan()))
        encoder, decoder = autoencoder.open_encoder(), autoencoder.open_decoder()
        with WidestConvolution() as counted:
            encoder.encode(torch.empty(3, 5, 64, 64))
            decoder.decode(torch.empty(16, 2, 8, 8))
    assert counted.nbytes == CONVOLVING * 64 * 64


@pytest.mark.parametrize(("layer", "part"), [(Block, "blocks"), (Context, "contexts")])
def test_layers_take_at_home_what_the_budget_says(layer, part):
    with torch.device("meta"):
        one = bytes_at_home(layout_of(layer(LYRA2_14B).bfloat16()))
    expected = getattr(transformer_bytes(), part)
    assert one * LYRA2_14B.num_layers == pytest.approx(expected, rel=1e-4)


def test_the_encoders_have_as_many_weights_as_the_budget_says():
    from transformers import CLIPVisionModel, UMT5EncoderModel

    with torch.device("meta"):
        text, image = UMT5EncoderModel(umt5_xxl()), CLIPVisionModel(vit_h_14())
    assert parameter_bytes(text.bfloat16()) == TEXT_ENCODER_BYTES
    assert parameter_bytes(image.bfloat16()) == IMAGE_ENCODER_BYTES


def in_sixteen_bits(network):
    nn.Module.bfloat16(network)  # diffusers' own warns
    return network


def parameter_bytes(network) -> int:
    return sum(parameter.nbytes for parameter in network.parameters())
