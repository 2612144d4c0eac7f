"""Where the weights lie, and why they cannot be used if they cannot; needs no torch.

The folder is written by `lyra-zoom weights`; `lyra2.json` in it appears last of all and lists
every other file. Names inside a file are those of the module that loads it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, TypeAlias

from pydantic import TypeAdapter, ValidationError

from lyra_zoom.settings import Settings

DepthChoice: TypeAlias = Literal["da3", "dav2-small", "embedded"]

LICENCE = "NVIDIA Internal Scientific Research and Development Model License"

TOKENIZER_FILE = "tokenizer.json"
"""All of the tokenizer: the others beside it where it is published say nothing more."""

NEEDED_PACKAGES = ("torch", "diffusers", "transformers", "safetensors", "ftfy")


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile:
    """What a file was when it was written."""

    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What is in the folder and where it came from.

    `revision` is the commit of the source, if that was known; `others` has the commit of each
    other repository that something came from. `left_out` names published tensors that nobody
    uses; those that stayed in the file of a LoRA behind its name and a colon.
    """

    source: str
    revision: str | None = None
    others: Mapping[str, str] = field(default_factory=dict)
    made_by: str
    made_at: str
    depth: DepthChoice
    files: Mapping[str, StoredFile]
    left_out: tuple[str, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class WeightsFolder:
    """The places in the folder of weights."""

    path: Path

    @property
    def manifest_file(self) -> Path:
        """The list of all files; where it is missing, the weights are not whole."""
        return self.path / "lyra2.json"

    @property
    def licence_file(self) -> Path:
        """Says who accepted the licence, and when."""
        return self.path / "licence.json"

    @property
    def transformer(self) -> Path:
        """A folder of safetensors files that share out the transformer's tensors."""
        return self.path / "transformer"

    @property
    def vae(self) -> Path:
        """The autoencoder, named as in diffusers."""
        return self.path / "vae" / "model.safetensors"

    @property
    def text_encoder(self) -> Path:
        """A folder of safetensors files with UMT5, named as in transformers."""
        return self.path / "text_encoder"

    @property
    def image_encoder(self) -> Path:
        """CLIP's picture half, named as in transformers."""
        return self.path / "image_encoder" / "model.safetensors"

    @property
    def tokenizer(self) -> Path:
        """A folder with the file that says all of the tokenizer."""
        return self.path / "tokenizer"

    @property
    def negative_prompt(self) -> Path:
        """One tensor, `prompt_embeds`, (1, T, D)."""
        return self.path / "negative_prompt.safetensors"

    @property
    def depth(self) -> Path:
        """The folder of the depth model that was chosen; absent for the embedded one."""
        return self.path / "depth"

    @property
    def metric_depth(self) -> Path:
        """The folder of a model that knows metres, if the operator has one."""
        return self.depth / "metric"

    def lora(self, name: str) -> Path:
        """The deltas of one LoRA, as they were published."""
        return self.path / "lora" / f"{name}.safetensors"

    def manifest(self) -> Manifest | None:
        """The list of all files, or None where it is missing or cannot be read."""
        try:
            return _MANIFEST.validate_json(self.manifest_file.read_bytes())
        except (OSError, ValidationError):
            return None

    def write_manifest(self, manifest: Manifest) -> None:
        """Call the folder whole; the list appears at once or not at all."""
        part = self.manifest_file.with_suffix(".part")
        part.write_bytes(_MANIFEST.dump_json(manifest, indent=1))
        part.replace(self.manifest_file)


def why_not_usable(settings: Settings) -> str | None:
    """One sentence on why the weights cannot be used on this machine, or None if they can.

    Looks at names and sizes only; says nothing of the GPU.
    """
    folder = WeightsFolder(settings.lyra2_folder)
    return (
        why_packages_are_missing()
        or why_not_there(folder)
        or why_not_accepted(settings)
        or _why_not_whole(folder)
    )


def why_packages_are_missing() -> str | None:
    """Which package of the extra is not installed."""
    missing = [name for name in NEEDED_PACKAGES if find_spec(name) is None]
    if not missing:
        return None
    return f"{missing[0]} is not installed; pip install 'lyra-zoom[lyra2]' adds it"


def why_not_accepted(settings: Settings) -> str | None:
    """That nobody has accepted the licence, unless somebody has."""
    accepted = settings.lyra2_licence == "accepted"
    if accepted or WeightsFolder(settings.lyra2_folder).licence_file.is_file():
        return None
    return "the licence of its weights was not accepted; lyra-zoom weights pull lyra2 shows it"


def why_not_there(folder: WeightsFolder) -> str | None:
    """That there are no weights, or not all of them, and what to do."""
    if folder.manifest_file.is_file():
        return None
    if folder.path.is_dir() and any(folder.path.glob("*/")):
        return (
            f"its weights in {folder.path} are not complete; the lyra-zoom weights command "
            "that began them goes on where it stopped"
        )
    return f"there are no weights in {folder.path}; lyra-zoom weights pull lyra2 fetches them"


def why_list_is_damaged(folder: WeightsFolder) -> str:
    """That the list of all files is there and says nothing, and what to do."""
    return f"{folder.manifest_file} cannot be read; convert the weights again"


def _why_not_whole(folder: WeightsFolder) -> str | None:
    manifest = folder.manifest()
    if manifest is None:
        return why_list_is_damaged(folder)
    for name, stored in manifest.files.items():
        file = folder.path / name
        if not file.is_file():
            return f"its weights are not complete: {name} is missing in {folder.path}"
        if file.stat().st_size != stored.bytes:
            return f"its weights are damaged: {name} in {folder.path} has another size"
    return None


_MANIFEST = TypeAdapter(Manifest)
