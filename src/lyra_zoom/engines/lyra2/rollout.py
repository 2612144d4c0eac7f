"""One leg, chunk after chunk: every 80 frames are drawn in view of those before them.

Source: Lyra 2.0 specification, 5.1, 5.2 and 5.7. What is drawn follows from the photograph, the
cameras, the prompt and the seed alone. A state holds what would take long to compute again, so
that another process goes on with the same frames.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from lyra_zoom.engines.engine import Progress, Sampling
from lyra_zoom.engines.lyra2.conditioning import ImageEncoder, build_conditions
from lyra_zoom.engines.lyra2.conditions import Conditions
from lyra_zoom.engines.lyra2.config import CHUNK_FRAMES, FRAMES_PER_LATENT
from lyra_zoom.engines.lyra2.denoising import Denoiser, PromptPair
from lyra_zoom.engines.lyra2.depth import DepthEstimator, NewFrames
from lyra_zoom.engines.lyra2.latents import Autoencoder, StreamDecoder, StreamEncoder
from lyra_zoom.engines.lyra2.memory import SpatialMemory
from lyra_zoom.engines.lyra2.past import KEYFRAME_EVERY, LOOK_BACK, Past
from lyra_zoom.engines.lyra2.projection import CPU, Cameras
from lyra_zoom.engines.lyra2.scene import Lyra2Scene
from lyra_zoom.engines.lyra2.schedule import Renoise, chunk_renoise
from lyra_zoom.engines.lyra2.states import ChunkState, Expected, load_state, save_state
from lyra_zoom.engines.lyra2.transformer import Lyra2Transformer
from lyra_zoom.engines.lyra2.warp import PosedDepth
from lyra_zoom.engines.lyra2.window import NEW_FRAMES
from lyra_zoom.geometry.camera import CameraPath

STILL_LATENTS = 25  # of the photograph, shown for so long before the leg begins
DEPTH_VIEWS = 10  # newest keyframes whose depth is estimated together


@dataclass(frozen=True, slots=True, kw_only=True)
class Networks:
    """What a leg is drawn with; conditions and latents lie on `device`.

    `streams_rest_on` is where open streams of the autoencoder wait while others work.
    """

    transformer: Lyra2Transformer
    vae: Autoencoder
    image_encoder: ImageEncoder
    depth: DepthEstimator
    device: torch.device = CPU
    streams_rest_on: torch.device | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shares:
    """Which part of a chunk's time its stages take."""

    look_back: float
    denoise: float
    decode: float
    depth: float


GUIDED = _Shares(look_back=0.03, denoise=0.91, decode=0.04, depth=0.02)
DISTILLED = _Shares(look_back=0.14, denoise=0.62, decode=0.16, depth=0.08)


class Rollout:
    """The frames of one leg from the photograph on, a chunk at a time, each of them once."""

    def __init__(
        self,
        networks: Networks,
        scene: Lyra2Scene,
        path: CameraPath,
        prompts: PromptPair,
        sampling: Sampling,
        *,
        renoise_of: Callable[[int, int], Renoise] = chunk_renoise,
    ) -> None:
        self._networks = networks
        self._scene = scene
        self._cameras = Cameras.of(path)
        self._chunks = (len(path) - 1) // CHUNK_FRAMES
        self._shares = DISTILLED if sampling.use_dmd else GUIDED
        self._denoiser = Denoiser(
            networks.transformer, prompts.on(networks.device), sampling, renoise_of
        )
        self._encoder: StreamEncoder = networks.vae.open_encoder()
        self._decoder: StreamDecoder = networks.vae.open_decoder()
        self._past: Past | None = None
        self._last: ChunkState | None = None

    @torch.no_grad()
    def next_chunk(self, progress: Progress) -> Float[Tensor, "80 3 H W"]:
        """The next 80 frames, float32 on the CPU, about -1 to 1, not clamped.

        After an error, or a cancellation, the rollout is of no more use.
        """
        progress.begin("look back", self._shares.look_back)
        past = self._begun(progress)
        chunk = past.chunks
        if self._last is not None and self._last.chunk == chunk:
            raise ValueError("the leg is over")
        prepared = self._denoiser.prepare(self.look_back(progress))
        self._rest()
        progress.begin("denoise", self._shares.denoise)
        latents = self._denoiser.draw(prepared, chunk, progress)[0]
        del prepared  # before the autoencoder needs the memory
        progress.begin("frames", self._shares.decode)
        frames = self._decode(latents, progress)
        progress.begin("depth", self._shares.depth)
        depths: Mapping[int, Tensor] = {}
        if not self._ends_with(chunk):
            past.keep(frames, self._encoder.encode(frames))
            progress.advance(0.5)
            depths = self._estimate_depths(past)
            self._remember(past, depths)
        self._last = ChunkState(chunk=chunk, latents=latents.to(CPU), depths=depths)
        return frames.transpose(0, 1).to(CPU)

    @torch.no_grad()
    def look_back(self, progress: Progress) -> Conditions:
        """What the network is told about the next chunk."""
        past, networks = self._begun(progress), self._networks
        return build_conditions(past, self._cameras, networks.vae, networks.image_encoder)

    def state(self) -> bytes:
        """What another process needs, besides the states before, to go on after this chunk."""
        if self._last is None:
            raise ValueError("no chunk has been drawn yet")
        return save_state(self._last)

    @torch.no_grad()
    def replay(self, states: Sequence[bytes], progress: Progress) -> None:
        """Go on after the chunks of these states, as whoever drew them would have.

        Raises:
            StateUnusable: a state is damaged, or not of this leg.
        """
        past = self._begun(progress)
        for data in states:
            self._last = load_state(data, self._expected(past))
            if self._ends_with(self._last.chunk):
                return
            frames = self._decode(self._last.latents.to(self._networks.device), progress)
            past.keep(frames, self._encoder.encode(frames))
            self._remember(past, self._last.depths)

    def _begun(self, progress: Progress) -> Past:
        """The past of a leg, at first the photograph alone, shown for some time."""
        if self._past is None:
            self._past = self._begin(progress)
        return self._past

    def _begin(self, progress: Progress) -> Past:
        device = self._networks.device
        image = self._scene.image.to(device)
        still = image[:, None].expand(-1, FRAMES_PER_LATENT, -1, -1)
        latents = list[Tensor]()
        for place in range(STILL_LATENTS):
            progress.advance(0.9 * place / STILL_LATENTS)
            latents.append(
                self._encoder.encode(still if latents else image[:, None]).to(device)
            )
            self._decoder.decode(latents[-1])
        past = Past(
            first_latent=latents[0],
            recent_latents=torch.cat(latents[-LOOK_BACK:], dim=1),
            keyframes={0: self._scene.image},
            memory=SpatialMemory(),
        )
        past.memory.add(0, self._posed(0, self._scene.seen_depth))
        return past

    def _decode(
        self, latents: Float[Tensor, "C 20 h w"], progress: Progress
    ) -> Float[Tensor, "3 80 H W"]:
        pieces = []
        for place in range(latents.shape[1]):
            progress.advance(place / latents.shape[1])
            pieces.append(self._decoder.decode(latents[:, place : place + 1]))
        return torch.cat(pieces, dim=1)

    def _rest(self) -> None:
        """Leave the device to the transformer, where it is too small for both."""
        elsewhere = self._networks.streams_rest_on
        if elsewhere is not None:
            self._encoder.rest_on(elsewhere)
            self._decoder.rest_on(elsewhere)

    def _ends_with(self, chunk: int) -> bool:
        return chunk + 1 == self._chunks

    def _estimate_depths(self, past: Past) -> dict[int, Tensor]:
        """Depth of the newest keyframes that is not known yet, on the CPU."""
        views = past.newest_keyframes(DEPTH_VIEWS)
        cameras = self._cameras[views]
        frames = torch.stack([past.keyframes[view] for view in views])
        known = [past.memory.posed(frame) for frame in past.memory.frames]
        new = NewFrames(frames=_as_pictures(frames), cameras=cameras, known=known)
        depths = self._networks.depth.update(new).float().to(CPU)
        return {
            view: depth
            for view, depth in zip(views, depths, strict=True)
            if view not in past.memory
        }

    def _remember(self, past: Past, depths: Mapping[int, Tensor]) -> None:
        for frame, depth in depths.items():
            past.memory.add(frame, self._posed(frame, depth))

    def _posed(self, frame: int, depth: Tensor) -> PosedDepth:
        cameras = self._cameras
        depth = depth.to(self._networks.device)
        return PosedDepth(depth=depth, w2c=cameras.w2c[frame], K=cameras.K[frame])

    def _expected(self, past: Past) -> Expected:
        """What the state of the next chunk must hold."""
        height, width = self._scene.seen_depth.shape
        latents = past.first_latent.shape
        frames = range(past.newest, past.newest + CHUNK_FRAMES + 1, KEYFRAME_EVERY)
        return Expected(
            chunk=past.chunks,
            latents_shape=(latents[0], NEW_FRAMES, *latents[2:]),
            depth_frames=() if self._ends_with(past.chunks) else frames[1:],
            depth_shape=(height, width),
        )


def _as_pictures(frames: Float[Tensor, "V 3 H W"]) -> Float[Tensor, "V 3 H W"]:
    """Frames as a file would hold them: within [-1, 1], in 256 steps, halves rounded up."""
    return (127.5 * (frames.clamp(-1.0, 1.0) + 1.0) + 0.5).floor() / 127.5 - 1.0
