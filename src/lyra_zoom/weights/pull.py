"""Published files are fetched, compared with their published hashes, and converted."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from lyra_zoom.engines.engine import Progress
from lyra_zoom.engines.lyra2.installed import DepthChoice, Manifest, WeightsFolder
from lyra_zoom.errors import WeightsUnusable
from lyra_zoom.weights.convert import convert
from lyra_zoom.weights.hub import Hub, RemoteFile
from lyra_zoom.weights.parts import (
    DEPTH_FILES,
    DEPTH_REPOSITORIES,
    LORAS,
    PUBLISHED_FOLDER,
    TOKENIZER_FILES,
    TOKENIZER_REPOSITORY,
    WEIGHTS_REPOSITORY,
    Repository,
)
from lyra_zoom.weights.tasks import Order
from lyra_zoom.weights.whole_files import in_gigabytes, need_room

DOWNLOADS = "downloads"
COMMITS_NOTE = "commits.json"

TRANSFER_SHARE = 0.8
"""Of the time of a pull, against converting."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Files of one repository, by patterns that each must match something."""

    repository: Repository
    patterns: tuple[str, ...]
    place: str = ""  # folder in the downloads

    @property
    def own_folder(self) -> str:
        """The folder in the downloads that holds nothing else."""
        return self.place or PUBLISHED_FOLDER


@dataclass(frozen=True, slots=True, kw_only=True)
class Download:
    """A file, and its place in the downloads."""

    file: RemoteFile
    target: Path
    own_folder: Path  # of all files of its repository


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What to pull: `revision` is a commit or branch of the weights' repository."""

    depth: DepthChoice = "dav2-small"
    revision: str | None = None
    keep_downloads: bool = False
    leave_out: tuple[str, ...] = ()


WEIGHTS = Wanted(
    repository=WEIGHTS_REPOSITORY,
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
TOKENIZER = Wanted(repository=TOKENIZER_REPOSITORY, patterns=TOKENIZER_FILES, place="tokenizer")


def pull(wish: Wish, folder: WeightsFolder, hub: Hub, progress: Progress) -> Manifest:
    """Fetch and convert; what an earlier attempt has done is not done again."""
    downloads = folder.path / DOWNLOADS
    listed = list(_downloads(wish, downloads, hub))
    _fetch_all(listed, folder, hub, progress)
    commits = {entry.file.repository: entry.file.commit for entry in listed}
    revision = commits.pop(WEIGHTS_REPOSITORY.name)
    order = Order(
        published=downloads,
        tokenizer=downloads / "tokenizer",
        depth=wish.depth,
        depth_model=downloads / "depth" if wish.depth in DEPTH_REPOSITORIES else None,
        source=WEIGHTS_REPOSITORY.name,
        revision=revision,
        others=commits,
        leave_out=wish.leave_out,
    )
    manifest = convert(order, folder, progress, 1.0 - TRANSFER_SHARE)
    if not wish.keep_downloads:
        shutil.rmtree(downloads)
    return manifest


def _downloads(wish: Wish, downloads: Path, hub: Hub) -> Iterator[Download]:
    """Every file that is needed, fetched already or not; the weights first."""
    begun = _begun_with(downloads)
    for wanted in _wanted(wish):
        repository = wanted.repository
        revision = begun.get(repository.name, repository.revision)
        if wanted.repository == WEIGHTS_REPOSITORY and wish.revision is not None:
            revision = wish.revision
        for file in _files_of(wanted, hub, revision):
            target = downloads / wanted.place / file.path
            yield Download(file=file, target=target, own_folder=downloads / wanted.own_folder)


def _wanted(wish: Wish) -> Iterator[Wanted]:
    more = (RECON,) if wish.depth == "da3" else ()
    yield replace(WEIGHTS, patterns=(*WEIGHTS.patterns, *more))
    yield TOKENIZER
    if wish.depth in DEPTH_REPOSITORIES:
        yield Wanted(
            repository=DEPTH_REPOSITORIES[wish.depth],
            patterns=DEPTH_FILES[wish.depth],
            place="depth",
        )


def _begun_with(downloads: Path) -> dict[str, str]:
    """The commits of an interrupted pull: files of two commits do not belong together."""
    try:
        return _COMMITS.validate_json((downloads / COMMITS_NOTE).read_bytes())
    except (OSError, ValidationError):
        return {}


def _files_of(wanted: Wanted, hub: Hub, revision: str) -> list[RemoteFile]:
    files = hub.listing(wanted.repository.name, revision).files
    found = {
        pattern: [file for file in files if fnmatch(file.path, pattern)]
        for pattern in wanted.patterns
    }
    absent = [pattern for pattern, matches in found.items() if not matches]
    if absent:
        raise WeightsUnusable(f"{wanted.repository} holds no {absent[0]} at {revision}")
    return [file for matches in found.values() for file in matches]


def _fetch_all(
    listed: list[Download], folder: WeightsFolder, hub: Hub, progress: Progress
) -> None:
    """Fetch what is not there; says how much that is before the first byte."""
    downloads, first = folder.path / DOWNLOADS, listed[0].file
    _forget_other_commits(listed, downloads)
    missing = [entry for entry in listed if not _is_there(entry)]
    whole = sum(entry.file.bytes for entry in listed)
    left = sum(entry.file.bytes for entry in missing)
    origin = f"{first.repository} at {first.commit[:12]}"
    progress.say(
        f"{in_gigabytes(whole)} in {len(listed)} files, {origin}; "
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


def _forget_other_commits(listed: list[Download], downloads: Path) -> None:
    """Remove what was fetched of other commits, and note these."""
    begun = _begun_with(downloads)
    commits = {entry.file.repository: entry.file.commit for entry in listed}
    for place in {
        entry.own_folder
        for entry in listed
        if begun.get(entry.file.repository) != entry.file.commit
    }:
        shutil.rmtree(place, ignore_errors=True)
    downloads.mkdir(parents=True, exist_ok=True)
    (downloads / COMMITS_NOTE).write_bytes(_COMMITS.dump_json(commits, indent=1))


def _is_there(entry: Download) -> bool:
    """Only a file whose hash was right has its name."""
    return entry.target.is_file() and entry.target.stat().st_size == entry.file.bytes


_COMMITS = TypeAdapter(dict[str, str])
"""Of each repository."""
