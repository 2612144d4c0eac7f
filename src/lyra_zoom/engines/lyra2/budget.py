"""How many bytes the lyra2 engine needs, part by part; arithmetic on the true sizes, no torch.

Weights are counted exactly. What a forward pass or the autoencoder holds at once was found by
running the network on tensors without content and adding up what was alive; the tests do it
again. Figures marked as estimates come from nothing better than sizes and experience.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from lyra_zoom.engines.lyra2.config import (
    HARMONICS,
    HARMONICS_OF,
    IMAGE_TOKENS,
    LYRA2_14B,
    PIXELS_PER_LATENT,
    PROMPT_TOKENS,
    TransformerConfig,
)
from lyra_zoom.engines.lyra2.window import (
    HISTORY,
    HISTORY_FRAMES,
    NEW,
    NEW_FRAMES,
    PATCH,
    WINDOW_FRAMES,
    num_tokens,
)
from lyra_zoom.geometry.image import Size

GIB = 2**30
BF16, FLOAT32 = 2, 4  # bytes

RESERVE_BYTES = 3 * GIB // 2
"""CUDA's own context, small workspaces and what the allocator wastes; an estimate."""

BLOCKS_VISITING = 3
"""Blocks on the device at once in `stream`: the one that computes and two on their way."""

HIDDEN_STATES = 14.5
"""How often `(L, dim)` in bfloat16 fits into what one block holds at its fullest moment."""

PROMPTS = 2  # what is wanted, and what is not

TEXT_ENCODER_BYTES = 5_680_910_336 * BF16  # UMT5-XXL, the encoder half
IMAGE_ENCODER_BYTES = 630_766_080 * BF16  # CLIP ViT-H/14, the picture half
AUTOENCODER_BYTES = 126_892_531 * BF16
DEPTH_BYTES = 1_400_000_000 * FLOAT32  # Depth Anything 3, nested giant and large; estimate
METRIC_DEPTH_BYTES = 314_000_000 * FLOAT32  # MoGe, ViT-L, where there is one; estimate

LORAS, LORA_RANK = 3, 64
"""How many wait in main memory to be merged; their rank is an estimate."""

DECODER_STREAM, ENCODER_STREAM = 4729, 2808
"""Bytes per pixel that an open stream of the autoencoder keeps from piece to piece."""

DECODING, ENCODING = 9354, 5812
"""Bytes per pixel while four frames go through, the stream's own included."""

CONVOLVING = 2304
"""Bytes per pixel of the autoencoder's widest convolution, input and output.

cuDNN may lay out both anew: so much counts as its workspace, an estimate.
"""

TEXT_WORK_BYTES = GIB // 2  # estimate
DEPTH_WORK = 9_000  # bytes per pixel, ten views at once; estimate
WARP_WORK = 2_800  # bytes per pixel: 16 pictures in the making
MEMORY = 60 * (4 + 12 / 16)  # bytes per pixel: depth and points of 60 keyframes, 481 frames
FRAMES = 80 * 3 * FLOAT32  # bytes per pixel: the frames of a chunk
DECODED = 2 * FRAMES  # bytes per pixel: these, and joining them
ON_THE_HOST = 60 * 3 * FLOAT32 + 80 * 3  # bytes per pixel: 60 keyframes, a chunk's pictures


class Mode(StrEnum):
    """Where weights lie while they are not needed."""

    FULL = "full"
    LEAN = "lean"
    STREAM = "stream"


class Precision(StrEnum):
    """In what the large matrices of the blocks are kept."""

    BF16 = "bf16"
    FP8 = "fp8"
    INT8 = "int8"


class Phase(StrEnum):
    """What is done one after the other, each with memory of its own."""

    MERGING = "merging LoRAs"
    READING = "reading the prompt"
    SEEING = "seeing depth"
    LOOKING_BACK = "looking back"
    PREPARING = "preparing"
    DENOISING = "denoising"
    DECODING = "decoding"


@dataclass(frozen=True, slots=True)
class Part:
    """Something that takes memory, and where the number comes from."""

    name: str
    nbytes: int
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TransformerBytes:
    """The transformer's weights by where they are used."""

    blocks: int  # every step
    contexts: int  # once per prompt and once per chunk
    correspondence: int  # once per chunk
    rest: int  # first and last layers and embeddings

    @property
    def total(self) -> int:
        """All of them."""
        return self.blocks + self.contexts + self.correspondence + self.rest


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What a mode needs: always, in each phase of a chunk besides, and on the host."""

    mode: Mode
    precision: Precision
    stays: tuple[Part, ...]
    phases: Mapping[Phase, tuple[Part, ...]]
    host: tuple[Part, ...]

    @property
    def device_bytes(self) -> int:
        """What must be free on the GPU: all that stays, the widest phase and a reserve."""
        return RESERVE_BYTES + total(self.stays) + total(self.phases[self.widest])

    @property
    def host_bytes(self) -> int:
        """What must be free in the host's memory."""
        return total(self.host)

    @property
    def widest(self) -> Phase:
        """The phase that needs most."""
        return max(self.phases, key=lambda phase: total(self.phases[phase]))


def total(parts: tuple[Part, ...]) -> int:
    """The bytes of all parts."""
    return sum(part.nbytes for part in parts)


def budget_of(
    size: Size,
    mode: Mode,
    precision: Precision = Precision.BF16,
    *,
    keeps_bias: bool = False,
    config: TransformerConfig = LYRA2_14B,
) -> Budget:
    """What a mode needs for videos of this size."""
    companions = _companions()
    weights = transformer_bytes(config, precision)
    stays, streamed = _transformer_parts(mode, weights, config)
    memory = Part("spatial memory", round(MEMORY * _pixels(size)), "of 481 frames")
    stays = (*stays, memory, Part("autoencoder", AUTOENCODER_BYTES))
    phases = _phases(size, config, keeps_bias=keeps_bias)
    streams = _open_streams(size)
    waiting = (
        Part("what both legs begin with", streams.nbytes, "the autoencoder's streams"),
        Part("LoRAs", lora_bytes(config), f"of rank {LORA_RANK}; estimate"),
        Part("metric depth model", METRIC_DEPTH_BYTES, "MoGe; estimate"),
        Part("keyframes and pictures", ON_THE_HOST * _pixels(size), "of 481 frames"),
    )
    if mode is Mode.FULL:
        return Budget(
            mode=mode,
            precision=precision,
            stays=(*stays, streams, *companions.values()),
            phases=phases,
            host=waiting,
        )
    companions_of = {Phase.DECODING: streams, **companions}
    visits = {
        phase: (*parts, companions_of[phase]) if phase in companions_of else parts
        for phase, parts in phases.items()
    }
    return Budget(
        mode=mode,
        precision=precision,
        stays=stays,
        phases=visits,
        host=(*streamed, streams, *waiting, *companions.values()),
    )


def transformer_bytes(
    config: TransformerConfig = LYRA2_14B, precision: Precision = Precision.BF16
) -> TransformerBytes:
    """The transformer's weights; only the large matrices of the blocks change precision."""
    counts = parameter_counts(config)
    matrices, channels = _large_matrices(config)
    blocks = BF16 * counts["blocks"]
    if precision is not Precision.BF16:
        blocks -= config.num_layers * ((BF16 - 1) * matrices - FLOAT32 * channels)
    outer = sum(counts.values()) - sum(
        counts[name] for name in ("blocks", "contexts", "correspondence")
    )
    return TransformerBytes(
        blocks=blocks,
        contexts=BF16 * counts["contexts"],
        correspondence=BF16 * counts["correspondence"],
        rest=BF16 * outer,
    )


def parameter_counts(config: TransformerConfig = LYRA2_14B) -> dict[str, int]:
    """Parameters of each part of the transformer, named as the parts are there."""
    d, f, layers = config.dim, config.ffn_dim, config.num_layers
    rank, rays = config.correspondence_rank, PATCH * PATCH * config.ray_channels
    patch = PATCH * PATCH * config.in_channels
    image = config.image_dim
    attention = 6 * (d * d + d) + 3 * d  # four matrices, two for the cross part, three norms
    feed_forward = d * f + f + f * d + d
    bias = rays * d + rank * d
    block = attention + feed_forward + bias + 2 * d + 6 * d  # and a norm, and modulation
    context = 2 * (2 * (d * d + d) + d)
    harmonics = HARMONICS * PATCH * PATCH * config.correspondence_channels
    covered = sum(s.patch[0] * s.patch[1] * s.patch[2] for s in HISTORY)
    noise = _linear(config.freq_dim, d) + _linear(d, d) + _linear(d, 6 * d)
    return {
        "new_patches": _linear(patch, d),
        "history_patches": covered * config.in_channels * d + len(HISTORY) * d,
        "noise_embedding": noise,
        "prompt_embedding": _linear(config.text_dim, d) + _linear(d, d),
        "image_embedding": 2 * image + _linear(image, image) + _linear(image, d) + 2 * d,
        "correspondence": layers * harmonics * rank,
        "contexts": layers * context,
        "blocks": layers * block,
        "head": _linear(d, 4 * config.out_channels) + 2 * d,
    }


def hidden_bytes(size: Size, config: TransformerConfig = LYRA2_14B) -> int:
    """All tokens of a forward pass once, in bfloat16."""
    return num_tokens(size.height, size.width) * config.dim * BF16


def activation_bytes(size: Size, config: TransformerConfig = LYRA2_14B) -> int:
    """What a forward pass holds at its fullest moment, besides what was prepared."""
    return round(HIDDEN_STATES * hidden_bytes(size, config))


def prepared_bytes(
    size: Size, config: TransformerConfig = LYRA2_14B, *, keeps_bias: bool = False
) -> int:
    """What the transformer keeps of a chunk and of the two prompts, from step to step."""
    tokens, layers = num_tokens(size.height, size.width), config.num_layers
    new = NEW.tokens(size.height // PIXELS_PER_LATENT, size.width // PIXELS_PER_LATENT)
    attended = PROMPTS * PROMPT_TOKENS + IMAGE_TOKENS
    keys_values = layers * 2 * attended * config.dim
    features = PATCH * PATCH * config.ray_channels + layers * config.correspondence_rank
    parts = layers * tokens * config.dim if keeps_bias else tokens * features
    history = (tokens - new) * config.dim
    rope = tokens * config.head_dim * FLOAT32
    return BF16 * (keys_values + parts + history) + rope


def conditions_bytes(size: Size, config: TransformerConfig = LYRA2_14B) -> int:
    """What a chunk is conditioned on, in bfloat16."""
    latents = config.out_channels * (HISTORY_FRAMES + NEW_FRAMES)
    maps = (config.ray_channels + config.correspondence_channels) * WINDOW_FRAMES
    return BF16 * (latents + maps) * _pixels(size) // PIXELS_PER_LATENT**2


def lora_bytes(config: TransformerConfig = LYRA2_14B) -> int:
    """All LoRAs, if they are for the large matrices of blocks and contexts."""
    d, f, layers = config.dim, config.ffn_dim, config.num_layers
    sides = 8 * (d + d) + 2 * (d + f) + 2 * (d + d)  # attention, feed-forward, of the image
    return LORAS * layers * LORA_RANK * sides * BF16


def _transformer_parts(
    mode: Mode, weights: TransformerBytes, config: TransformerConfig
) -> tuple[tuple[Part, ...], tuple[Part, ...]]:
    """What of the transformer stays on the device, and what the host keeps."""
    rest = Part("transformer, first and last layers", weights.rest)
    blocks = Part("transformer, blocks", weights.blocks)
    prepares = (
        Part("transformer, keys and values of prompt and image", weights.contexts),
        Part("transformer, correspondence", weights.correspondence),
    )
    if mode is Mode.FULL:
        return (blocks, *prepares, rest), ()
    visitors = Part(
        "layers on a visit", BLOCKS_VISITING * weights.contexts // config.num_layers
    )
    if mode is Mode.LEAN:
        return (blocks, prepares[1], visitors, rest), prepares[:1]
    one_block = weights.blocks // config.num_layers
    guests = Part("blocks on a visit", BLOCKS_VISITING * one_block, "one works, two arrive")
    return (guests, prepares[1], visitors, rest), (blocks, prepares[0])


def _open_streams(size: Size) -> Part:
    nbytes = (DECODER_STREAM + ENCODER_STREAM) * _pixels(size)
    return Part(
        "autoencoder's open streams", nbytes, "what causal layers remember of the video"
    )


def _companions() -> dict[Phase, Part]:
    """The networks beside transformer and autoencoder, by the phase that needs them."""
    return {
        Phase.READING: Part("text encoder", TEXT_ENCODER_BYTES, "UMT5-XXL"),
        Phase.SEEING: Part("depth model", DEPTH_BYTES, "Depth Anything 3; estimate"),
        Phase.LOOKING_BACK: Part("image encoder", IMAGE_ENCODER_BYTES, "CLIP ViT-H/14"),
    }


def _phases(
    size: Size, config: TransformerConfig, *, keeps_bias: bool
) -> dict[Phase, tuple[Part, ...]]:
    """What each phase holds besides weights and open streams."""
    pixels = _pixels(size)
    conditions = Part("conditions", conditions_bytes(size, config), "bf16")
    new_maps = config.correspondence_channels * NEW_FRAMES * pixels // PIXELS_PER_LATENT**2
    workspace = Part("workspace of cuDNN", CONVOLVING * pixels, "estimate")
    prepared = Part(
        "prepared chunk and prompts", prepared_bytes(size, config, keeps_bias=keeps_bias)
    )
    activations = Part(
        "activations",
        activation_bytes(size, config),
        f"{HIDDEN_STATES:g} times all tokens, {num_tokens(size.height, size.width):,} of them",
    )
    return {
        Phase.MERGING: (Part("largest matrix, thrice", _merging_bytes(config)),),
        Phase.READING: (Part("activations", TEXT_WORK_BYTES, "estimate"),),
        Phase.SEEING: (  # a metric model takes less: it works on one view, and alone
            Part("activations", DEPTH_WORK * pixels, "ten views; estimate"),
            Part("frames", FRAMES * pixels, "float32"),
        ),
        Phase.LOOKING_BACK: (
            conditions,
            Part("warping", WARP_WORK * pixels, "16 pictures at a time"),
            Part("encoding", ENCODING * pixels, "a stream of its own"),
            workspace,
        ),
        Phase.PREPARING: (
            conditions,
            prepared,
            Part("tokens", BF16 * new_maps, "of correspondence, bf16"),
            Part("harmonics", _harmonics_bytes(config), f"of {HARMONICS_OF} tokens at a time"),
        ),
        Phase.DENOISING: (prepared, activations),
        Phase.DECODING: (
            Part("decoding", (DECODING - DECODER_STREAM) * pixels),
            workspace,
            Part("frames", DECODED * pixels, "float32"),
        ),
    }


def _harmonics_bytes(config: TransformerConfig) -> int:
    """Of some tokens: features, twice their angles, then the waves, apart and together.

    Those of the tokens before, in bfloat16, are still there.
    """
    features = PATCH * PATCH * config.correspondence_channels
    now, before = (3 + 2 * HARMONICS) * FLOAT32, HARMONICS * BF16
    return HARMONICS_OF * features * (now + before)


def _merging_bytes(config: TransformerConfig) -> int:
    """The largest matrix without LoRAs, its sum with them in float32, and that sum again."""
    return 6 * config.dim**2 * (BF16 + FLOAT32 + BF16)


def _large_matrices(config: TransformerConfig) -> tuple[int, int]:
    """Weights of a block that may have eight bits, and the rows that then need a scale."""
    d, f = config.dim, config.ffn_dim
    return 6 * d * d + 2 * d * f, 6 * d + f + d


def _linear(inputs: int, outputs: int) -> int:
    return inputs * outputs + outputs


def _pixels(size: Size) -> int:
    return size.width * size.height
