"""One leg, chunk after chunk: every 80 frames are drawn in view of those before them.

Source: Lyra 2.0 specification, 5.1, 5.2 and 5.7. What is drawn follows from the photograph, the
cameras, the prompt and the seed alone. A state holds what would take long to compute again, so
that another process goes on with the same frames.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from lyra_zoom.engines.engine import Progress, Repeated, Sampling
from lyra_zoom.engines.lyra2.conditioning import SeesFrames, build_conditions
from lyra_zoom.engines.lyra2.conditions import Conditions
from lyra_zoom.engines.lyra2.config import CHUNK_FRAMES, PIXELS_PER_LATENT
from lyra_zoom.engines.lyra2.denoising import Denoiser, PromptPair
from lyra_zoom.engines.lyra2.depth import DepthEstimator, NewFrames
from lyra_zoom.engines.lyra2.latents import Autoencoder
from lyra_zoom.engines.lyra2.memory import SpatialMemory
from lyra_zoom.engines.lyra2.opening import Streams
from lyra_zoom.engines.lyra2.past import KEYFRAME_EVERY, LOOK_BACK, Past
from lyra_zoom.engines.lyra2.projection import CPU, Cameras
from lyra_zoom.engines.lyra2.scene import Lyra2Scene
from lyra_zoom.engines.lyra2.schedule import Renoise, chunk_renoise
from lyra_zoom.engines.lyra2.shares import chunk_shares
from lyra_zoom.engines.lyra2.states import (
    Beginning,
    ChunkState,
    Expected,
    load_state,
    save_state,
)
from lyra_zoom.engines.lyra2.transformer import Lyra2Transformer
from lyra_zoom.engines.lyra2.warp import PosedDepth
from lyra_zoom.engines.lyra2.window import NEW_FRAMES
from lyra_zoom.errors import StateUnusable
from lyra_zoom.geometry.camera import CameraPath

DEPTH_VIEWS = 10  # newest keyframes whose depth is estimated together

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Networks:
    """What a leg is drawn with; conditions and latents lie on `device`.

    `streams_rest_on` is where open streams of the autoencoder wait while others work.
    """

    transformer: Lyra2Transformer
    vae: Autoencoder
    image_encoder: SeesFrames
    depth: DepthEstimator
    device: torch.device = CPU
    streams_rest_on: torch.device | None = None


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
        self._beginning = Beginning(depth=scene.seen_depth, cameras=Cameras.of(path))
        self._chunks = (len(path) - 1) // CHUNK_FRAMES
        self._shares = chunk_shares(sampling)
        self._denoiser = Denoiser(
            networks.transformer, prompts.on(networks.device), sampling, renoise_of
        )
        self._begun: tuple[Past, Streams] | None = None
        self._last: ChunkState | None = None

    @torch.no_grad()
    def next_chunk(self, progress: Progress) -> Float[Tensor, "80 3 H W"]:
        """The next 80 frames, float32 on the working device, about -1 to 1, not clamped.

        After an error, or a cancellation, the rollout is of no more use.
        """
        progress.begin("look back", self._shares.look_back)
        past, streams = self._going(progress)
        chunk = past.chunks
        if self._last is not None and self._last.chunk == chunk:
            raise ValueError("the leg is over")
        self._let_rest(streams)
        prepared = self._denoiser.prepare(self.look_back(progress))
        progress.begin("denoise", self._shares.denoise)
        latents = self._denoiser.draw(prepared, chunk, progress)[0]
        del prepared  # before the autoencoder needs the memory
        progress.begin("frames", self._shares.decode)
        frames = _decoded(latents, streams, progress)
        progress.begin("depth", self._shares.depth)
        depths: Mapping[int, Tensor] = {}
        if not self._ends_with(chunk):
            past.keep(frames, streams.encoder.encode(frames))
            self._let_rest(streams)
            progress.advance(0.5)
            depths = self._estimate_depths(past)
            self._remember(past, depths)
        self._last = ChunkState(
            chunk=chunk,
            latents=latents.to(CPU),
            depths=depths,
            beginning=None if chunk else self._beginning,
        )
        return frames.transpose(0, 1)

    @torch.no_grad()
    def look_back(self, progress: Progress) -> Conditions:
        """What the network is told about the next chunk, in the numbers it computes with."""
        (past, _), networks = self._going(progress), self._networks
        return build_conditions(
            past,
            self._beginning.cameras,
            networks.vae,
            networks.image_encoder,
            networks.transformer.dtype,
        )

    def state(self) -> bytes:
        """What another process needs, besides the states before, to go on after this chunk."""
        if self._last is None:
            raise ValueError("no chunk has been drawn yet")
        return save_state(self._last)

    @torch.no_grad()
    def replay(self, states: Sequence[bytes], progress: Progress) -> None:
        """Go on after the chunks of these states, as whoever drew them would have.

        A chunk whose state is damaged, or not of this leg, is drawn again.
        """
        begun = 0 if self._begun is None else self._begun[0].chunks
        for chunk, data in enumerate(states, start=begun):
            try:
                state = load_state(data, self._expected(chunk))
            except StateUnusable as error:
                logger.warning("a state is thrown away chunk=%d reason=%r", chunk, str(error))
                progress.say(f"{error}; that chunk is computed again")
                self.next_chunk(Repeated(progress))
                continue
            if state.beginning is not None and self._begun is None:
                self._begin_like(state.beginning)
            self._last = state
            if self._ends_with(chunk):
                return
            past, streams = self._going(progress)
            frames = _decoded(state.latents.to(self._networks.device), streams, progress)
            past.keep(frames, streams.encoder.encode(frames))
            self._remember(past, state.depths)

    def _begin_like(self, other: Beginning) -> None:
        """Take over what another process began with."""
        mine, self._beginning = self._beginning, other
        if not torch.equal(mine.depth, other.depth):
            logger.warning("the depth of a photograph is another one when it is asked again")

    def _going(self, progress: Progress) -> tuple[Past, Streams]:
        """The leg so far: at first the photograph alone, shown for some time."""
        if self._begun is None:
            self._begun = self._begin(progress)
        return self._begun

    def _begin(self, progress: Progress) -> tuple[Past, Streams]:
        scene, networks = self._scene, self._networks
        image = scene.image.to(networks.device)
        streams = scene.opening.streams(networks.vae, image, progress)
        past = Past(
            first_latent=streams.latents[:, :1],
            recent_latents=streams.latents[:, -LOOK_BACK:],
            keyframes={0: scene.image},
            memory=SpatialMemory(),
        )
        past.memory.add(0, self._posed(0, self._beginning.depth))
        return past, streams

    def _let_rest(self, streams: Streams) -> None:
        """Make room on the device: what works next may not fit beside them."""
        if self._networks.streams_rest_on is not None:
            streams.rest_on(self._networks.streams_rest_on)

    def _ends_with(self, chunk: int) -> bool:
        return chunk + 1 == self._chunks

    def _estimate_depths(self, past: Past) -> dict[int, Tensor]:
        """Depth of the newest keyframes that is not known yet, on the CPU."""
        views = past.newest_keyframes(DEPTH_VIEWS)
        cameras = self._beginning.cameras[views]
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
        cameras = self._beginning.cameras
        depth = depth.to(self._networks.device)
        return PosedDepth(depth=depth, w2c=cameras.w2c[frame], K=cameras.K[frame])

    def _expected(self, chunk: int) -> Expected:
        """What the state of a chunk must hold."""
        height, width = self._scene.seen_depth.shape
        channels = self._networks.transformer.config.out_channels
        size = (height // PIXELS_PER_LATENT, width // PIXELS_PER_LATENT)
        first = CHUNK_FRAMES * chunk + KEYFRAME_EVERY
        keyframes = range(first, CHUNK_FRAMES * (chunk + 1) + 1, KEYFRAME_EVERY)
        return Expected(
            chunk=chunk,
            cameras=len(self._beginning.cameras),
            latents_shape=(channels, NEW_FRAMES, *size),
            depth_frames=() if self._ends_with(chunk) else keyframes,
            depth_shape=(height, width),
        )


def _decoded(
    latents: Float[Tensor, "C 20 h w"], streams: Streams, progress: Progress
) -> Float[Tensor, "3 80 H W"]:
    pieces = []
    for place in range(latents.shape[1]):
        progress.advance(place / latents.shape[1])
        pieces.append(streams.decoder.decode(latents[:, place : place + 1]))
    return torch.cat(pieces, dim=1)


def _as_pictures(frames: Float[Tensor, "V 3 H W"]) -> Float[Tensor, "V 3 H W"]:
    """Frames as a file would hold them: within [-1, 1], in 256 steps, halves rounded up."""
    return (127.5 * (frames.clamp(-1.0, 1.0) + 1.0) + 0.5).floor() / 127.5 - 1.0
