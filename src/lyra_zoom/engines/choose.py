"""Which engine makes a video; imports an engine only once it is chosen."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from lyra_zoom.engines.engine import Engine
from lyra_zoom.errors import EngineNotReady

ENGINES = ("embedded", "lyra2")


def choose_engine(
    name: str, depth_model_file: Path | None, say: Callable[[str], None]
) -> Engine:
    """The engine of that name, ready to work; `auto` is the best one that is ready here."""
    if name == "auto":
        say(f"engine: embedded, because {_why_not_lyra2()}")
    elif name == "lyra2":
        raise EngineNotReady(f"the engine lyra2 cannot run here: {_why_not_lyra2()}")
    elif name != "embedded":
        raise EngineNotReady(f"there is no engine {name}; there are {', '.join(ENGINES)}")
    return _ready(_embedded(depth_model_file))


def _embedded(depth_model_file: Path | None) -> Engine:
    from lyra_zoom.engines.embedded.depth import depth_model
    from lyra_zoom.engines.embedded.engine import EmbeddedEngine

    return EmbeddedEngine(depth_model(depth_model_file))


def _why_not_lyra2() -> str:
    return "this version does not include the lyra2 engine"


def _ready(engine: Engine) -> Engine:
    reason = engine.why_not_ready()
    if reason is not None:
        raise EngineNotReady(reason)
    return engine
