"""The transformer of the process that leads a crew: each call is made by all its processes."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, fields
from functools import partial
from typing import Any

from torch import Tensor

from lyra_zoom.engines.lyra2.conditions import Conditions
from lyra_zoom.engines.lyra2.config import TransformerConfig
from lyra_zoom.engines.lyra2.crew import Crew
from lyra_zoom.engines.lyra2.crew_orders import (
    PredictVelocity,
    PrepareChunk,
    PreparePrompt,
    Team,
    UseLoras,
)
from lyra_zoom.engines.lyra2.transformer import (
    KeptBias,
    Lyra2Transformer,
    PreparedChunk,
    PreparedPrompt,
)
from lyra_zoom.engines.lyra2.transformer_loading import LoraSwitch, load_transformer


@dataclass(frozen=True, slots=True, kw_only=True, weakref_slot=True)
class SharedPrompt(PreparedPrompt):
    """A prompt that all processes have prepared."""

    number: int


@dataclass(frozen=True, slots=True, kw_only=True, weakref_slot=True)
class SharedChunk(PreparedChunk):
    """A chunk that all processes have prepared, each for its own tokens."""

    number: int


class LeadTransformer(Lyra2Transformer):
    """Gives what `Lyra2Transformer` gives, sooner; the crew has to have met."""

    def __init__(self, config: TransformerConfig, crew: Crew) -> None:
        super().__init__(config)
        self._crew = crew

    def why_lost(self) -> str | None:
        """Why there is no crew any more, in one sentence; None while there is."""
        return self._crew.why_lost()

    def prepare_prompt(self, prompt_embeds: Tensor) -> SharedPrompt:
        """See `Lyra2Transformer`."""
        number = self._crew.next_number()
        with self._crew.told(PreparePrompt(number), prompt_embeds):
            prepared = super().prepare_prompt(prompt_embeds)
        shared = SharedPrompt(**_fields_of(prepared, PreparedPrompt), number=number)
        self._crew.forget_with(shared, number)
        return shared

    def prepare(self, conditions: Conditions, keep: KeptBias | None = None) -> SharedChunk:
        """See `Lyra2Transformer`."""
        number = self._crew.next_number()
        shown = _fields_of(conditions, Conditions).values()
        with self._crew.told(PrepareChunk(number, keep), *shown):
            prepared = super().prepare(conditions, keep)
        shared = SharedChunk(**_fields_of(prepared, PreparedChunk), number=number)
        self._crew.forget_with(shared, number)
        return shared

    def forward(
        self, latents: Tensor, timestep: Tensor, prompt: PreparedPrompt, chunk: PreparedChunk
    ) -> Tensor:
        """See `Lyra2Transformer`; prompt and chunk are what this one has prepared."""
        assert isinstance(prompt, SharedPrompt)
        assert isinstance(chunk, SharedChunk)
        with self._crew.told(PredictVelocity(prompt.number, chunk.number), latents, timestep):
            return super().forward(latents, timestep, prompt, chunk)


class SharedLoras:
    """The LoRAs of all processes' transformers."""

    def __init__(self, own: LoraSwitch, crew: Crew) -> None:
        self._own = own
        self._crew = crew

    def use(self, *, distilled: bool) -> None:
        """Have the weights of the distilled schedule, or of the full one."""
        with self._crew.told(UseLoras(distilled)):
            self._own.use(distilled=distilled)


def load_with_crew(team: Team, undo: ExitStack) -> tuple[Lyra2Transformer, SharedLoras]:
    """The transformer on all of a team's devices; `undo` ends the other processes."""
    crew = Crew(team)
    undo.callback(crew.close)
    build = partial(LeadTransformer, crew=crew)
    transformer, loras = load_transformer(team.plan, team.device(0), build)
    crew.meet(transformer)
    return transformer, SharedLoras(loras, crew)


def _fields_of(value: Any, kind: type[Any]) -> dict[str, Any]:  # noqa: ANN401  # a dataclass
    return {field.name: getattr(value, field.name) for field in fields(kind)}
