"""The steps of a request: each can be repeated by another worker, and knows why a request ends.

Between steps everything lies in the object store, under keys that no other attempt writes. A
step that cannot be done ends the request and returns nothing.
"""

from __future__ import annotations

import json
import logging
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn, NotRequired, TypedDict, TypeVar

import sqlalchemy as sa
from pydantic import JsonValue

from lyra_zoom.contract.storage import Lifecycle
from lyra_zoom.contract.zoom import VideoFile, ZoomInput, ZoomOutput
from lyra_zoom.errors import EngineDied, NotPossibleNow
from lyra_zoom.jobs.events import Events
from lyra_zoom.jobs.job import Ending, Job, Outcome
from lyra_zoom.jobs.requests import Requests
from lyra_zoom.storage.fetch import fetch_remote
from lyra_zoom.storage.files import Files, NewFile, StoredFile
from lyra_zoom.storage.landing import writing
from lyra_zoom.storage.objects import ObjectStore, pieces_of
from lyra_zoom.storage.pinned import OutboundPolicy
from lyra_zoom.worker.endings import ending_of
from lyra_zoom.worker.engine_messages import FilmOrder, Line
from lyra_zoom.worker.engine_process import EngineProcess, Watching
from lyra_zoom.worker.log_lines import LogLines
from lyra_zoom.worker.patience import FOR_EVER_S, patiently

WORK = "work"
"""Folder of the object store for what lies between steps."""

ENGINE_ATTEMPTS = 3
"""Engines that one run of a request may wear out: some inputs kill every one."""

LOOK_EVERY_S = 0.1
"""How often the request is asked whether it is over."""

Result = TypeVar("Result")

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hands:
    """What a worker works with. `scratch` is a folder of this worker alone."""

    requests: Requests
    events: Events
    files: Files
    objects: ObjectStore
    engine: EngineProcess
    scratch: Path
    policy: OutboundPolicy
    stopping: threading.Event = field(default_factory=threading.Event)


class Prepared(TypedDict):
    """What the first step leaves behind."""

    seed: int
    chunks: int
    prepare_s: float
    photo: str  # its object


class Piece(TypedDict):
    """What the step of a chunk leaves behind."""

    segment: str  # its object
    seconds: float
    state: NotRequired[str]  # an object: what chunks after it need in another process


class ZoomSteps:
    """The steps of one run of one request; `folder` is its place for files."""

    def __init__(self, hands: Hands, job: Job, folder: Path) -> None:
        self._hands = hands
        self._job = job
        self._folder = folder
        self._lines = LogLines(hands.events, job.request_id)
        self._deaths = 0
        self._looked_s = 0.0
        self._watching = Watching(
            progressed=self._lines.progressed, said=self._lines.say, unwanted=self._unwanted
        )

    def say_who_goes_on(self) -> None:
        """Tell the client when this is not the first worker."""
        if self._job.attempts > 1:
            self._lines.say(
                f"goes on after an interruption: attempt {self._job.attempts}", "WARN"
            )

    def prepare(self) -> Prepared | None:
        """Check the request, get its photograph and have it understood."""
        return self._or_end(self._prepare)

    def chunk(self, prepared: Prepared, pieces: list[Piece]) -> Piece | None:
        """Have the chunk after these drawn, and store its segment."""
        return self._or_end(lambda: self._chunk(prepared, pieces))

    def finish(self, prepared: Prepared, pieces: list[Piece]) -> bool | None:
        """Have the segments joined, store the video and answer the request."""
        return self._or_end(lambda: self._finish(prepared, pieces))

    def _prepare(self) -> Prepared:
        request = self._request()
        photo = self._photo_file
        image = self._fetch(request.image_url)
        patiently(lambda: write_whole(photo, image))
        key = self._new_key("")
        patiently(lambda: self._hands.objects.put_file(key, photo))
        answer = self._insist(
            lambda: self._hands.engine.prepare(
                self._order(request, request.seed), self._watching
            )
        )
        return Prepared(
            seed=answer["seed"],
            chunks=answer["chunks"],
            prepare_s=answer["prepare_s"],
            photo=key,
        )

    def _chunk(self, prepared: Prepared, pieces: list[Piece]) -> Piece:
        order = self._resumed_order(prepared)
        key = self._new_key(".mp4")
        target = self._local(key)
        command: Line = {
            "index": len(pieces),
            "states": [self._state_at_hand(piece) for piece in pieces],
        }
        made = self._insist(
            lambda: self._hands.engine.chunk(order, command, str(target), self._watching)
        )
        patiently(lambda: self._hands.objects.put_file(key, target))
        piece = Piece(segment=key, seconds=made["seconds"])
        if "state" in made:
            state = Path(made["state"])
            piece["state"] = f"{key.rpartition('/')[0]}/{state.name}"
            patiently(lambda: self._hands.objects.put_file(piece["state"], state))
        return piece

    def _finish(self, prepared: Prepared, pieces: list[Piece]) -> bool:
        order = self._resumed_order(prepared)
        film = self._folder / "film.mp4"
        command: Line = {
            "segments": [str(self._at_hand(piece["segment"])) for piece in pieces],
            "prepare_s": prepared["prepare_s"],
            "chunks_s": [piece["seconds"] for piece in pieces],
        }
        facts = self._insist(
            lambda: self._hands.engine.join(order, command, str(film), self._watching)
        )
        stored = patiently(lambda: self._store(film))
        ending = Ending(
            outcome=Outcome.SUCCEEDED,
            status=200,
            body=self._answer(stored, prepared["seed"], facts),
            inference_s=prepared["prepare_s"] + sum(piece["seconds"] for piece in pieces),
        )
        if not self._end(
            ending, lambda connection: self._hands.files.record(connection, stored)
        ):
            self._forget(stored)
        return True

    # Files

    @property
    def _photo_file(self) -> Path:
        return self._folder / "photo"

    def _fetch(self, url: str) -> bytes:
        """The bytes behind `image_url`; our own files are read without a socket."""
        job, hands = self._job, self._hands
        own = patiently(
            lambda: hands.files.read_own(url, job.base_url, time.time(), reader=job.key_id)
        )
        return fetch_remote(url, policy=hands.policy) if own is None else own

    def _new_key(self, suffix: str) -> str:
        return f"{WORK}/{self._job.request_id}/{secrets.token_hex(8)}{suffix}"

    def _local(self, key: str) -> Path:
        return self._folder / key.rpartition("/")[2]

    def _at_hand(self, key: str, path: Path | None = None) -> Path:
        """A local copy of an object."""
        path = path or self._local(key)
        if not path.exists():
            data = patiently(lambda: self._hands.objects.read(key))
            patiently(lambda: write_whole(path, data))
        return path

    def _state_at_hand(self, piece: Piece) -> str | None:
        return str(self._at_hand(piece["state"])) if "state" in piece else None

    def _store(self, film: Path) -> StoredFile:
        """The video's bytes are safe; nobody can find them until they are recorded."""
        lifecycle = self._job.lifecycle
        new = NewFile(
            key_id=self._job.key_id,
            file_name=f"zoom-{self._job.request_id[:8]}.mp4",
            content_type="video/mp4",
            lifecycle=Lifecycle.model_validate_json(lifecycle) if lifecycle else None,
        )
        with self._hands.objects.landing() as landing:
            for piece in pieces_of(film):
                landing.write(piece)
            return self._hands.files.store(landing, new, time.time())

    def _forget(self, stored: StoredFile) -> None:
        """The request was over already; unless it was us who just ended it, nobody heard."""
        if patiently(lambda: self._hands.files.find(stored.file_id, time.time())) is None:
            self._hands.objects.delete(stored.object_key)

    # The engine

    def _request(self) -> ZoomInput:
        body = patiently(lambda: self._hands.requests.body(self._job.request_id))
        return ZoomInput.model_validate(json.loads(body))

    def _order(self, request: ZoomInput, seed: int | None) -> FilmOrder:
        given = request.model_dump(mode="json", exclude_unset=True, exclude={"image_url"})
        return FilmOrder(request=given, photo=str(self._photo_file), seed=seed)

    def _resumed_order(self, prepared: Prepared) -> FilmOrder:
        self._at_hand(prepared["photo"], self._photo_file)
        return self._order(self._request(), prepared["seed"])

    def _insist(self, call: Callable[[], Result]) -> Result:
        """The result, though the engine may die on the way, a few times, or lack space."""
        while True:
            try:
                return patiently(call)
            except EngineDied as error:
                if self._hands.stopping.is_set():
                    wait_for_the_end()
                self._deaths += 1
                logger.warning(
                    "an engine died request_id=%s deaths=%d", self._job.request_id, self._deaths
                )
                if self._deaths >= min(ENGINE_ATTEMPTS, self._job.max_attempts):
                    raise
                self._lines.say(f"{error}; it is started again", "WARN")

    def _unwanted(self) -> bool:
        now_s = time.monotonic()
        if now_s - self._looked_s < LOOK_EVERY_S:
            return False
        self._looked_s = now_s
        try:
            return self._hands.requests.is_over(self._job.request_id)
        except sa.exc.SQLAlchemyError:
            return False  # the database is away: nobody said that it is over

    # The end

    def _or_end(self, step: Callable[[], Result]) -> Result | None:
        """What the step returns; when it fails, the request has ended."""
        try:
            return step()
        except Exception as error:  # noqa: BLE001  # whatever it is, the client hears of it
            if self._hands.stopping.is_set():
                wait_for_the_end()
            ending = ending_of(error, self._job.request_id)
            if ending is not None:
                if ending.status != 422:
                    self._lines.say(ending.error or "failed", "ERROR")
                self._end(ending)
            return None

    def _end(self, ending: Ending, also: Callable[[sa.Connection], None] | None = None) -> bool:
        request_id = self._job.request_id
        return patiently(
            lambda: self._hands.requests.end(request_id, ending, time.time(), also), FOR_EVER_S
        )

    def _answer(self, stored: StoredFile, seed: int, facts: Line) -> dict[str, JsonValue]:
        video = VideoFile(
            url=self._hands.files.url_of(stored, self._job.base_url),
            content_type=stored.content_type,
            file_name=stored.file_name,
            file_size=stored.size,
            width=facts["width"],
            height=facts["height"],
            fps=facts["fps"],
            duration=facts["duration"],
            num_frames=facts["num_frames"],
        )
        return ZoomOutput(video=video, seed=seed, timings=facts["timings"]).to_wire()


def make_folder(folder: Path) -> None:
    """Make a folder unless it is there; a full disk is `NotPossibleNow`."""
    with writing():
        folder.mkdir(parents=True, exist_ok=True)


def write_whole(path: Path, data: bytes) -> None:
    """Write a file that is there whole or not at all; a full disk is `NotPossibleNow`."""
    part = path.with_name(f"{path.name}.part")
    with writing():
        part.write_bytes(data)
        part.replace(path)


def clean_up(hands: Hands, request_id: str) -> None:
    """Remove what lay between the steps of a request, once nobody will go on with it."""
    try:
        if hands.requests.is_over(request_id):
            for facts in list(hands.objects.list(f"{WORK}/{request_id}")):
                hands.objects.delete(facts.key)
    except (sa.exc.SQLAlchemyError, NotPossibleNow):
        logger.warning("work is left over request_id=%s", request_id)


def wait_for_the_end() -> NoReturn:
    """Let the process end here: whatever a step returned or raised would be kept."""
    while True:
        threading.Event().wait()
