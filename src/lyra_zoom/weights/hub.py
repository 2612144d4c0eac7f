"""The Hugging Face Hub: what a repository holds, and its files as it describes them.

The only module that speaks to the Hub. `HF_ENDPOINT`, `HF_TOKEN` and a login of `hf` work as
everywhere. A file that broke off goes on where it stopped, in another process, too:
huggingface_hub's own downloads begin again there.
"""

from __future__ import annotations

import errno
import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

import httpx2
from huggingface_hub import HfApi, get_hf_file_metadata, hf_hub_url
from huggingface_hub.constants import MAX_HTTP_DOWNLOAD_SIZE
from huggingface_hub.errors import GatedRepoError, HfHubHTTPError
from huggingface_hub.file_download import http_get
from huggingface_hub.utils import (  # type: ignore[attr-defined]  # named lazily there
    build_hf_headers,
    disable_progress_bars,
)

from lyra_zoom.engines.lyra2.faults import in_one_line
from lyra_zoom.errors import AddressUnreachable, OutputRejected, WeightsUnusable
from lyra_zoom.weights.whole_files import COPIED_AT_ONCE, written_whole

FULL_DISK = (errno.ENOSPC, errno.EDQUOT)

BREAKS_IN_A_ROW = 2
"""Without a single new byte, before we give up; each stands for several tries by the client."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteFile:
    """A file of a repository at one commit; one of the hashes is known."""

    repository: str
    commit: str
    path: str
    bytes: int
    sha256: str | None = None
    git_sha1: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """A repository at one commit."""

    commit: str
    files: tuple[RemoteFile, ...]


class Hub:
    """A server that speaks the Hub's protocol: the public one unless `HF_ENDPOINT` says."""

    def __init__(self, endpoint: str | None = None) -> None:
        self._endpoint = endpoint

    def listing(self, repository: str, revision: str | None = None) -> Listing:
        """What a repository holds at a revision, by default the newest."""
        with _told_plainly(repository):
            info = HfApi(endpoint=self._endpoint).model_info(
                repository, revision=revision, files_metadata=True
            )
        commit = info.sha or ""
        files = tuple(
            RemoteFile(
                repository=repository,
                commit=commit,
                path=entry.rfilename,
                bytes=entry.size or 0,
                sha256=entry.lfs.sha256 if entry.lfs else None,
                git_sha1=None if entry.lfs else entry.blob_id,
            )
            for entry in info.siblings or ()
        )
        return Listing(commit=commit, files=files)

    def fetch(self, file: RemoteFile, target: Path, tell: Callable[[int], None]) -> None:
        """Get a file; it has its name once its bytes match the repository's hash.

        `tell` hears of new bytes. Bytes of an earlier attempt are kept and not told of.
        """
        if file.bytes > MAX_HTTP_DOWNLOAD_SIZE:
            raise WeightsUnusable(
                f"{file.path} is too large for this transfer: hf download {file.repository} "
                "fetches it, and lyra-zoom weights convert goes on from there"
            )
        begun = target.with_name(target.name + ".begun")
        begun.parent.mkdir(parents=True, exist_ok=True)
        begun.touch()
        with _told_plainly(file.repository):
            self._complete(file, begun, tell)
        if not _matches(file, begun):
            begun.unlink()
            raise WeightsUnusable(
                f"{file.path} is not what {file.repository} says it is: another hash; it was "
                "removed, and the same command fetches it again"
            )
        with written_whole(target) as part:
            begun.replace(part)

    def _complete(self, file: RemoteFile, begun: Path, tell: Callable[[int], None]) -> None:
        """Ask for what is missing, again after each break, as long as anything comes."""
        breaks = 0
        while (had := _had(begun, file.bytes)) < file.bytes:
            try:
                self._ask(file, begun, had, tell)
            except (httpx2.TransportError, HfHubHTTPError):
                breaks = breaks + 1 if begun.stat().st_size == had else 1
                if breaks == BREAKS_IN_A_ROW:
                    raise

    def _ask(
        self, file: RemoteFile, begun: Path, had: int, tell: Callable[[int], None]
    ) -> None:
        url = hf_hub_url(
            file.repository, file.path, revision=file.commit, endpoint=self._endpoint
        )
        place = get_hf_file_metadata(url, endpoint=self._endpoint).location
        headers = build_hf_headers()
        if urlsplit(place).netloc != urlsplit(url).netloc:
            headers.pop("authorization", None)  # the token is for the Hub alone
        disable_progress_bars("huggingface_hub.http_get")
        with begun.open("r+b") as opened:
            opened.seek(had)
            http_get(
                place,
                _Told(opened, tell),  # type: ignore[arg-type]  # all of a file that it uses
                resume_size=had,
                headers=headers,
                expected_size=file.bytes,
            )


class _Told:
    """A file that tells how many bytes come in."""

    def __init__(self, file: IO[bytes], tell: Callable[[int], None]) -> None:
        self._file, self._tell = file, tell

    def write(self, piece: bytes) -> int:
        """Write a piece, and tell of it."""
        written = self._file.write(piece)
        self._tell(written)
        return written

    def tell(self) -> int:
        """Where the next piece goes."""
        return self._file.tell()

    def seek(self, place: int) -> int:
        """Go back, when the server begins again at the start."""
        return self._file.seek(place)

    def truncate(self) -> int:
        """Forget what came before."""
        return self._file.truncate()


def _had(begun: Path, whole: int) -> int:
    """How much is there; a file that is too long is begun again."""
    size = begun.stat().st_size
    if size > whole:
        begun.write_bytes(b"")
        return 0
    return size


def _matches(file: RemoteFile, begun: Path) -> bool:
    if file.sha256 is not None:
        return _digest(begun, hashlib.sha256()) == file.sha256
    if file.git_sha1 is not None:
        header = f"blob {file.bytes}\0".encode()
        return _digest(begun, hashlib.sha1(header, usedforsecurity=False)) == file.git_sha1
    return False


def _digest(path: Path, digest: hashlib._Hash) -> str:
    with path.open("rb") as opened:
        while piece := opened.read(COPIED_AT_ONCE):
            digest.update(piece)
    return digest.hexdigest()


@contextmanager
def _told_plainly(repository: str) -> Iterator[None]:
    """Errors of the network and of the Hub, as one sentence of ours."""
    try:
        yield
    except GatedRepoError as error:
        raise WeightsUnusable(
            f"{repository} is given only to people who agreed to its terms on the Hub: do that "
            "in a browser, then run hf auth login or set HF_TOKEN"
        ) from error
    except HfHubHTTPError as error:
        status = error.response.status_code
        raise AddressUnreachable(
            f"the Hub refuses {repository}: HTTP status {status}"
        ) from error
    except (httpx2.HTTPError, OSError, ValueError) as error:
        if getattr(error, "errno", None) in FULL_DISK:
            raise OutputRejected(f"the disk is full: {error}") from error
        raise AddressUnreachable(
            f"{repository} could not be fetched: {in_one_line(error)}; the same command goes "
            "on where this one stopped"
        ) from error
