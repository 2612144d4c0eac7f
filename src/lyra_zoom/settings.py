"""What the operator decides by `LYRA_ZOOM_...` variables; read once and passed down."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from platformdirs import user_data_path

PREFIX = "LYRA_ZOOM_"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The operator's choices.

    `data`: the folder for whatever is kept between runs.
    `depth_model`: an ONNX file used instead of the bundled depth network.
    """

    data: Path
    depth_model: Path | None = None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Settings:
        """The settings in `environment`; what is absent or empty has its default."""
        data = environment.get(f"{PREFIX}DATA")
        depth_model = environment.get(f"{PREFIX}DEPTH_MODEL")
        return cls(
            data=Path(data) if data else user_data_path("lyra-zoom", appauthor=False),
            depth_model=Path(depth_model) if depth_model else None,
        )
