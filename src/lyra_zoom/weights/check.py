"""Whether a folder of weights is what it should be: every file, every tensor, nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from glob import escape
from pathlib import Path

from lyra_zoom.engines.engine import Progress
from lyra_zoom.engines.lyra2.filling import compare
from lyra_zoom.engines.lyra2.installed import (
    Manifest,
    StoredFile,
    WeightsFolder,
    why_list_is_damaged,
    why_not_there,
)
from lyra_zoom.engines.lyra2.sizes import Sizes, sizes_in
from lyra_zoom.engines.lyra2.tokenizer import load_tokenizer
from lyra_zoom.errors import WeightsUnusable
from lyra_zoom.weights.depth_models import (
    check_depth_files,
    check_depth_model,
    check_metric_depth,
    metric_depth_line,
)
from lyra_zoom.weights.left_out import left_out_lines
from lyra_zoom.weights.loras import LoraReport, report_on
from lyra_zoom.weights.networks import NETWORKS, Network, transformer_shapes
from lyra_zoom.weights.parts import DEPTH, LORAS, OUR_FOLDERS
from lyra_zoom.weights.sources import shapes_in
from lyra_zoom.weights.whole_files import in_gigabytes, stored


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What was found; weights without problems can be loaded."""

    notes: tuple[str, ...]
    problems: tuple[str, ...]


def check(folder: WeightsFolder, progress: Progress) -> Verdict:
    """Read every file; a folder without weights, or half of them, raises `WeightsUnusable`."""
    manifest = folder.manifest()
    if manifest is None:
        raise WeightsUnusable(why_not_there(folder) or why_list_is_damaged(folder))
    problems = [*_strangers(folder, manifest), *_bad_files(folder, manifest, progress)]
    loras: list[LoraReport] = []
    if not problems:
        loras, problems = _judged(folder, manifest)
    return Verdict(notes=tuple(_notes(folder, manifest, loras)), problems=tuple(problems))


def _judged(folder: WeightsFolder, manifest: Manifest) -> tuple[list[LoraReport], list[str]]:
    """What whole files hold: the LoRAs, and what is wrong with them or anything else."""
    sizes = sizes_in(folder.path)
    shapes = transformer_shapes(sizes)
    loras: list[LoraReport] = []

    def read_lora(name: str) -> None:
        allowed = [entry.removeprefix(f"{name}: ") for entry in manifest.left_out]
        loras.append(report_on(folder.lora(name), shapes, [escape(entry) for entry in allowed]))

    checks: list[Callable[[], object]] = [
        *(
            partial(_compare, network, sizes, _files_of(network, folder, manifest.files))
            for network in NETWORKS
        ),
        *(partial(read_lora, name) for name in LORAS),
        partial(load_tokenizer, folder.tokenizer, sizes.text.vocab_size),
        partial(_check_depth, folder, manifest),
        partial(check_metric_depth, folder),
    ]
    return loras, [said for each in checks if (said := _what_is_wrong(each))]


def _what_is_wrong(look: Callable[[], object]) -> str | None:
    try:
        look()
    except WeightsUnusable as error:
        return str(error)
    return None


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


def _compare(network: Network, sizes: Sizes, files: list[Path]) -> None:
    assert network.expected is not None  # of the one without, the depth model, see below
    found: dict[str, tuple[int, ...]] = {}
    for file in files:
        found.update(shapes_in(file))
    compare(found, network.expected(sizes), network.part.words)


def _check_depth(folder: WeightsFolder, manifest: Manifest) -> None:
    check_depth_files(manifest.depth, folder.depth)
    trained = folder.path / DEPTH.target
    if manifest.depth == "da3" and not trained.is_file():
        raise WeightsUnusable(f"{DEPTH.words} is missing: there is no {DEPTH.target}")
    shapes = shapes_in(trained) if manifest.depth == "da3" else {}
    check_depth_model(manifest.depth, folder.depth, shapes)


def _files_of(
    network: Network, folder: WeightsFolder, listed: Mapping[str, StoredFile]
) -> list[Path]:
    target = network.part.target
    return [
        folder.path / name
        for name in listed
        if name == target or (target.endswith("/") and name.startswith(target))
    ]


def _notes(folder: WeightsFolder, manifest: Manifest, loras: list[LoraReport]) -> Iterator[str]:
    size = in_gigabytes(sum(listed.bytes for listed in manifest.files.values()))
    yield f"{len(manifest.files)} files, {size}, in {folder.path}"
    at = f" at {manifest.revision}" if manifest.revision else ", nobody said at which commit"
    yield f"from {manifest.source}{at}"
    for repository, commit in manifest.others.items():
        yield f"from {repository} at {commit}"
    yield f"written {manifest.made_at} by {manifest.made_by}"
    yield f"depth model: {manifest.depth}"
    yield metric_depth_line(folder)
    for report in loras:
        yield from report.lines()
    yield from left_out_lines(manifest.left_out)
