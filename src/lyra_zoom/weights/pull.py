"""Published files are fetched, compared with their published hashes, and converted."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from lyra_zoom.engines.engine import Progress
from lyra_zoom.engines.lyra2.installed import DepthChoice, Manifest, WeightsFolder
from lyra_zoom.errors import WeightsUnusable
from lyra_zoom.weights.convert import convert
from lyra_zoom.weights.hub import Hub, RemoteFile
from lyra_zoom.weights.parts import (
    LORAS,
    PUBLISHED_FOLDER,
    REPOSITORY,
    TOKENIZER_FILES,
    TOKENIZER_REPOSITORY,
)
from lyra_zoom.weights.tasks import Order
from lyra_zoom.weights.whole_files import in_gigabytes, need_room

DOWNLOADS = "downloads"
COMMIT_NOTE = "commit"

TRANSFER_SHARE = 0.8
"""Of the time of a pull, against converting."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Files of one repository, by patterns that each must match something."""

    repository: str
    patterns: tuple[str, ...]
    place: str = ""  # folder in the downloads
    revision: str | None = None
    enough: int | None = None  # how many patterns must match; all unless said


@dataclass(frozen=True, slots=True, kw_only=True)
class Download:
    """A file, and its place in the downloads."""

    file: RemoteFile
    target: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What to pull: `revision` is a commit or branch of the weights' repository."""

    depth: DepthChoice = "dav2-small"
    revision: str | None = None
    keep_downloads: bool = False
    leave_out: tuple[str, ...] = ()


WEIGHTS = Wanted(
    repository=REPOSITORY,
    patterns=(
        *(
            f"{PUBLISHED_FOLDER}/{name}"
            for name in (
                "model/model/.metadata",
                "model/model/*.distcp",
                "vae/vae.pth",
                "text_encoder/encoder.pth",
                "text_encoder/negative_prompt.pt",
                "image_encoder/model.pth",
                *(f"lora/{name}.safetensors" for name in LORAS),
            )
        ),
    ),
)
RECON = f"{PUBLISHED_FOLDER}/recon/model.pt"
TOKENIZER = Wanted(
    repository=TOKENIZER_REPOSITORY, patterns=TOKENIZER_FILES, place="tokenizer", enough=1
)
DEPTH_MODELS: dict[DepthChoice, Wanted] = {
    "da3": Wanted(
        repository="depth-anything/DA3NESTED-GIANT-LARGE-1.1",
        patterns=("config.json", "model.safetensors"),
        place="depth",
    ),
    "dav2-small": Wanted(
        repository="depth-anything/Depth-Anything-V2-Small-hf",
        patterns=("config.json", "model.safetensors"),
        place="depth",
    ),
}


def pull(wish: Wish, folder: WeightsFolder, hub: Hub, progress: Progress) -> Manifest:
    """Fetch and convert; what an earlier attempt has done is not done again."""
    downloads = folder.path / DOWNLOADS
    listed = list(_downloads(wish, downloads, hub))
    commit = listed[0].file.commit
    _fetch_all(listed, folder, hub, progress)
    order = Order(
        published=downloads,
        tokenizer=downloads / "tokenizer",
        depth=wish.depth,
        depth_model=downloads / "depth" if wish.depth in DEPTH_MODELS else None,
        source=REPOSITORY,
        revision=commit,
        leave_out=wish.leave_out,
    )
    manifest = convert(order, folder, progress, 1.0 - TRANSFER_SHARE)
    if not wish.keep_downloads:
        shutil.rmtree(downloads)
    return manifest


def _downloads(wish: Wish, downloads: Path, hub: Hub) -> Iterator[Download]:
    """Every file that is needed, fetched already or not; the weights first."""
    more = (RECON,) if wish.depth == "da3" else ()
    revision = wish.revision or _begun_with(downloads)
    yield from _of(WEIGHTS, hub, downloads, revision=revision, more=more)
    yield from _of(TOKENIZER, hub, downloads)
    if wish.depth in DEPTH_MODELS:
        yield from _of(DEPTH_MODELS[wish.depth], hub, downloads)


def _begun_with(downloads: Path) -> str | None:
    """The commit of an interrupted pull: files of two commits do not belong together."""
    note = downloads / COMMIT_NOTE
    return note.read_text().strip() if note.is_file() else None


def _of(
    wanted: Wanted,
    hub: Hub,
    downloads: Path,
    *,
    revision: str | None = None,
    more: tuple[str, ...] = (),
) -> Iterator[Download]:
    files = hub.listing(wanted.repository, revision).files
    patterns = (*wanted.patterns, *more)
    found = {
        pattern: [file for file in files if fnmatch(file.path, pattern)] for pattern in patterns
    }
    absent = [pattern for pattern, matches in found.items() if not matches]
    if len(patterns) - len(absent) < (wanted.enough or len(patterns)):
        raise WeightsUnusable(f"{wanted.repository} holds no {absent[0]} any more")
    for matches in found.values():
        for file in matches:
            yield Download(file=file, target=downloads / wanted.place / file.path)


def _fetch_all(
    listed: list[Download], folder: WeightsFolder, hub: Hub, progress: Progress
) -> None:
    """Fetch what is not there; says how much that is before the first byte."""
    downloads, commit = folder.path / DOWNLOADS, listed[0].file.commit
    if commit != _begun_with(downloads):
        _begin_anew(downloads, commit)
    missing = [entry for entry in listed if not _is_there(entry)]
    whole = sum(entry.file.bytes for entry in listed)
    left = sum(entry.file.bytes for entry in missing)
    progress.say(
        f"{in_gigabytes(whole)} in {len(listed)} files, {REPOSITORY} at {commit[:12]}; "
        f"{in_gigabytes(left)} of them to fetch into {downloads}"
    )
    # Downloads and what they become are there together for a while.
    need_room(folder.path, left + whole, "fetching and converting")
    done = 0

    def tell(count: int) -> None:
        nonlocal done
        done += count
        progress.advance(done / max(1, left))

    progress.begin("fetching", TRANSFER_SHARE)
    for entry in missing:
        hub.fetch(entry.file, entry.target, tell)


def _begin_anew(downloads: Path, commit: str) -> None:
    """Forget what was fetched of another commit, and note this one."""
    shutil.rmtree(downloads / PUBLISHED_FOLDER, ignore_errors=True)
    downloads.mkdir(parents=True, exist_ok=True)
    (downloads / COMMIT_NOTE).write_text(commit)


def _is_there(entry: Download) -> bool:
    """Only a file whose hash was right has its name."""
    return entry.target.is_file() and entry.target.stat().st_size == entry.file.bytes
