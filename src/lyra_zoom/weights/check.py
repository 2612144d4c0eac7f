"""Whether a folder of weights is what it should be: every file, every tensor, nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from lyra_zoom.engines.engine import Progress
from lyra_zoom.engines.lyra2.installed import Manifest, StoredFile, WeightsFolder
from lyra_zoom.engines.lyra2.sizes import Sizes, sizes_in
from lyra_zoom.errors import WeightsUnusable
from lyra_zoom.weights.loras import unused_layers
from lyra_zoom.weights.networks import NETWORKS, Network, transformer_shapes
from lyra_zoom.weights.parts import LORAS, OUR_FOLDERS
from lyra_zoom.weights.plan import compare
from lyra_zoom.weights.sources import Described, SafeTensors
from lyra_zoom.weights.whole_files import in_gigabytes, stored


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What was found; weights without problems can be loaded."""

    notes: tuple[str, ...]
    problems: tuple[str, ...]


def check(folder: WeightsFolder, progress: Progress) -> Verdict:
    """Read every file; a folder whose list is missing raises `WeightsUnusable`."""
    manifest = folder.manifest()
    if manifest is None:
        raise WeightsUnusable(
            f"{folder.path} holds no whole weights: its list {folder.manifest_file.name} is "
            "missing or cannot be read"
        )
    problems = [*_strangers(folder, manifest), *_bad_files(folder, manifest, progress)]
    if not problems:
        problems = [*_bad_networks(folder, manifest), *_bad_loras(folder)]
    return Verdict(notes=_notes(folder, manifest, whole=not problems), problems=tuple(problems))


def _strangers(folder: WeightsFolder, manifest: Manifest) -> Iterator[str]:
    """Files beside ours would be loaded with them."""
    for place in OUR_FOLDERS:
        for file in sorted((folder.path / place).glob("*.safetensors")):
            name = f"{place}/{file.name}"
            if name not in manifest.files:
                yield f"{name} is not in the list, and would be loaded with the others"


def _bad_files(folder: WeightsFolder, manifest: Manifest, progress: Progress) -> Iterator[str]:
    progress.begin("reading every file", 1.0)
    total = max(1, sum(listed.bytes for listed in manifest.files.values()))
    read = 0

    def tell(count: int) -> None:
        nonlocal read
        read += count
        progress.advance(read / total)

    for name, listed in manifest.files.items():
        file = folder.path / name
        if not file.is_file():
            yield f"{name} is missing"
        elif file.stat().st_size != listed.bytes:
            yield f"{name} has {file.stat().st_size} bytes instead of {listed.bytes}"
        elif stored(file, tell) != listed:
            yield f"{name} has changed since it was written: another SHA-256"


def _bad_networks(folder: WeightsFolder, manifest: Manifest) -> Iterator[str]:
    sizes = sizes_in(folder.path)
    for network in NETWORKS:
        try:
            _compare(network, sizes, _files_of(network, folder, manifest.files))
        except WeightsUnusable as error:
            yield str(error)


def _compare(network: Network, sizes: Sizes, files: list[Path]) -> None:
    found: dict[str, Described] = {}
    for file in files:
        found.update(SafeTensors(file).described())
    if network.expected is not None:
        compare(found, network.expected(sizes), network.part.words)


def _files_of(
    network: Network, folder: WeightsFolder, listed: Mapping[str, StoredFile]
) -> list[Path]:
    target = network.part.target
    return [
        folder.path / name
        for name in listed
        if name == target or (target.endswith("/") and name.startswith(target))
    ]


def _bad_loras(folder: WeightsFolder) -> Iterator[str]:
    shapes = transformer_shapes(sizes_in(folder.path))
    for name in LORAS:
        try:
            unused_layers(folder.lora(name), shapes)
        except WeightsUnusable as error:
            yield str(error)


def _notes(folder: WeightsFolder, manifest: Manifest, *, whole: bool) -> tuple[str, ...]:
    size = in_gigabytes(sum(listed.bytes for listed in manifest.files.values()))
    at = f" at {manifest.revision}" if manifest.revision else ""
    notes = [
        f"{len(manifest.files)} files, {size}, in {folder.path}",
        f"from {manifest.source}{at}, written {manifest.made_at} by {manifest.made_by}",
        f"depth model: {manifest.depth}",
    ]
    if manifest.left_out:
        notes.append(f"{len(manifest.left_out)} published tensors that nothing needs left out")
    if whole:
        notes.extend(_skipped(folder))
    return tuple(notes)


def _skipped(folder: WeightsFolder) -> Iterator[str]:
    """What LoRAs hold for layers that the transformer does not have."""
    shapes = transformer_shapes(sizes_in(folder.path))
    for name in LORAS:
        skipped = unused_layers(folder.lora(name), shapes)
        if skipped:
            yield f"{name}: {len(skipped)} additions skipped, first {skipped[0]}"
