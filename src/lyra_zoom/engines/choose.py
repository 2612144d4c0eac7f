"""Which engine makes a video; imports an engine only once it is chosen."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from lyra_zoom.engines.engine import Engine
from lyra_zoom.engines.lyra2.readiness import what_it_runs_on, why_not_here
from lyra_zoom.errors import EngineFaulted, EngineNotReady, WeightsUnusable
from lyra_zoom.geometry.image import Plane, RgbImage, Size, resize
from lyra_zoom.settings import Settings

ENGINES = ("embedded", "lyra2")


def choose_engine(name: str, settings: Settings, say: Callable[[str], None]) -> Engine:
    """The engine of that name, ready to work; `auto` is the best one that is ready here.

    One that cannot run here raises `EngineNotReady`; `say` hears what `auto` means, and why.
    """
    if name == "auto":
        return _best(settings, say)
    if name == "embedded":
        return _embedded(settings.depth_model)
    if name == "lyra2":
        reason = why_not_here(settings)
        if reason is not None:
            raise EngineNotReady(f"the engine lyra2 cannot run here: {reason}")
        try:
            return _lyra2(settings, say)
        except (WeightsUnusable, EngineFaulted) as error:
            raise EngineNotReady(f"the engine lyra2 cannot run here: {error}") from error
    raise EngineNotReady(f"there is no engine {name}; there are {', '.join(ENGINES)}")


def _best(settings: Settings, say: Callable[[str], None]) -> Engine:
    """Lyra 2.0 where its weights and a GPU are, else what runs anywhere.

    A GPU that is there and fails just now is no reason for another engine.
    """
    reason = why_not_here(settings)
    if reason is None:
        say(f"engine: lyra2, on {what_it_runs_on(settings)}")
        try:
            return _lyra2(settings, say)
        except EngineFaulted as error:
            raise EngineNotReady(f"the engine lyra2 cannot run just now: {error}") from error
        except (WeightsUnusable, EngineNotReady) as error:
            reason = str(error)
    engine = _embedded(settings.depth_model)
    say(f"engine: embedded, because {reason}")
    return engine


def _lyra2(settings: Settings, say: Callable[[str], None]) -> Engine:
    from lyra_zoom.engines.lyra2.loading import load_engine

    return load_engine(settings, _embedded_depth(settings), say)


def _embedded_depth(settings: Settings) -> Callable[[RgbImage], Plane]:
    """The embedded engine's depth network, for whoever has none of his own."""
    from lyra_zoom.engines.embedded.depth import depth_model

    model = depth_model(settings.depth_model)

    def disparity_of(picture: RgbImage) -> Plane:
        return resize(model.estimate(picture).disparity, Size.of(picture))

    return disparity_of


def _embedded(depth_model_file: Path | None) -> Engine:
    from lyra_zoom.engines.embedded.depth import depth_model
    from lyra_zoom.engines.embedded.engine import EmbeddedEngine

    return _ready(EmbeddedEngine(depth_model(depth_model_file)))


def _ready(engine: Engine) -> Engine:
    reason = engine.why_not_ready()
    if reason is not None:
        raise EngineNotReady(reason)
    return engine
