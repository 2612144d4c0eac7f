"""What the operator decides by `LYRA_ZOOM_...` variables; read once and passed down."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

from platformdirs import user_data_path
from pydantic import BeforeValidator, Field, StringConstraints, TypeAdapter, ValidationError

from lyra_zoom.errors import SettingRejected

PREFIX = "LYRA_ZOOM_"
MIB = 2**20

Keys = Annotated[
    tuple[str, ...],
    BeforeValidator(
        lambda text: tuple(part.strip() for part in text.split(",") if part.strip())
    ),
]
DatabaseUrl = Annotated[str, StringConstraints(pattern=r"^(sqlite:///|postgres(ql)?://)")]
StorageUrl = Annotated[str, StringConstraints(pattern=r"^(s3|file)://")]
GpusPerVideo = Annotated[
    Literal[1, 2, 4, 8], BeforeValidator(lambda text: int(text) if text.isdigit() else text)
]
WebUrl = Annotated[str, StringConstraints(pattern=r"^https?://[^/]")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The operator's choices.

    `data`: the folder for whatever is kept between runs.
    `depth_model`: an ONNX file used instead of the bundled depth network.
    `database_url`: `postgresql://…` for many machines; else a SQLite file in the data folder.
    `storage_url`: `s3://bucket/prefix` for many machines; else a folder in the data folder.
    `public_url`: the base of the URLs that answers carry; else the address the caller used.
    `api_keys`: keys accepted besides the stored ones, separated by commas.
    `allow_private_urls`: 1 lets `image_url` point to addresses that are not public.
    `allow_private_webhooks`: 1 lets webhooks go to addresses that are not public.
    `max_body_mb`: the largest request body, in MiB; 64 unless set.
    `max_upload_mb`: the largest uploaded file, in MiB; 2048 unless set.
    `keep_days`: days that finished requests and their files are kept; 7 unless set.
    `lyra2_weights`: the folder of the lyra2 engine's weights; else one in the data folder.
    `lyra2_licence`: `accepted` says that the licence of those weights is accepted here.
    `lyra2_memory`: how the lyra2 engine uses the GPU: auto, full, lean or stream.
    `lyra2_precision`: its large matrices: bf16, fp8, int8, or auto: what memory asks for.
    `lyra2_attention`: its attention kernel: auto, sdpa, cudnn, flash3 or sage (which rounds).
    `lyra2_gpus_per_video`: GPUs that make a video together: 1 unless set, 2, 4 or 8.
    `lyra2_device`: `cuda` unless set; `cpu` is only fit for trying weights of a toy's size.
    """

    data: Path = field(default_factory=lambda: user_data_path("lyra-zoom", appauthor=False))
    depth_model: Path | None = None
    database_url: DatabaseUrl | None = None
    storage_url: StorageUrl | None = None
    public_url: WebUrl | None = None
    api_keys: Keys = field(default=(), repr=False)
    allow_private_urls: bool = False
    allow_private_webhooks: bool = False
    max_body_mb: Annotated[int, Field(gt=0)] = 64
    max_upload_mb: Annotated[int, Field(gt=0)] = 2048
    keep_days: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 7.0
    lyra2_weights: Path | None = None
    lyra2_licence: Literal["accepted"] | None = None
    lyra2_memory: Literal["auto", "full", "lean", "stream"] = "auto"
    lyra2_precision: Literal["auto", "bf16", "fp8", "int8"] = "auto"
    lyra2_attention: Literal["auto", "sdpa", "cudnn", "flash3", "sage"] = "auto"
    lyra2_gpus_per_video: GpusPerVideo = 1
    lyra2_device: Literal["cuda", "cpu"] = "cuda"

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Settings:
        """The settings in `environment`; what is absent or empty has its default.

        A value that cannot be used raises `SettingRejected`.
        """
        given = {name: environment.get(PREFIX + name.upper(), "") for name in cls.__slots__}
        try:
            return _SETTINGS.validate_python(
                {name: value.strip() for name, value in given.items() if value.strip()}
            )
        except ValidationError as error:
            wrong = error.errors()[0]
            name = str(wrong["loc"][0]).upper()
            raise SettingRejected(f"{PREFIX}{name}: {wrong['msg']}") from error

    @property
    def database(self) -> str:
        """The URL of the database: PostgreSQL, or a SQLite file inside `data`."""
        return self.database_url or f"sqlite:///{(self.data / 'lyra-zoom.sqlite').absolute()}"

    @property
    def lyra2_folder(self) -> Path:
        """Where the weights of the lyra2 engine are, or would be."""
        return self.lyra2_weights or self.data / "weights" / "lyra2"

    @property
    def max_body_bytes(self) -> int:
        """The largest request body."""
        return self.max_body_mb * MIB

    @property
    def max_upload_bytes(self) -> int:
        """The largest uploaded file."""
        return self.max_upload_mb * MIB


_SETTINGS = TypeAdapter(Settings)
