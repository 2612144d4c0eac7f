"""What the routes stand on, opened once: the stores below, and what this process remembers."""

from __future__ import annotations

from dataclasses import dataclass, field

import sqlalchemy as sa
from starlette.requests import HTTPConnection

from lyra_zoom.database.open import migrate, open_database
from lyra_zoom.jobs.durable import DurableQueue
from lyra_zoom.jobs.events import Events
from lyra_zoom.jobs.keys import Keys
from lyra_zoom.jobs.leases import Leases
from lyra_zoom.jobs.requests import Requests
from lyra_zoom.server.callers import Guesses, RecentKeys
from lyra_zoom.server.events import Watcher
from lyra_zoom.server.metrics import Measured
from lyra_zoom.server.threads import Threads
from lyra_zoom.server.transfers import Transfers
from lyra_zoom.settings import Settings
from lyra_zoom.storage.files import Files
from lyra_zoom.storage.objects import ObjectStore, open_objects
from lyra_zoom.storage.uploads import Uploads

DAY_S = 24 * 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """The stores, which are plain code, and what only this process knows."""

    settings: Settings
    engine: sa.Engine
    requests: Requests
    events: Events
    leases: Leases
    keys: Keys
    objects: ObjectStore
    files: Files
    uploads: Uploads
    threads: Threads
    watcher: Watcher
    recent_keys: RecentKeys = field(default_factory=RecentKeys)
    guesses: Guesses = field(default_factory=Guesses)
    measured: Measured = field(default_factory=Measured)
    transfers: Transfers = field(default_factory=Transfers)

    def close(self) -> None:
        """Let go of the database."""
        self.engine.dispose()


def open_parts(settings: Settings) -> Parts:
    """The parts on the operator's database and storage, whose tables are brought up to date."""
    engine = open_database(settings.database)
    migrate(engine)
    queue = DurableQueue(engine)
    queue.migrate()
    requests, events, threads = Requests(engine, queue), Events(engine), Threads()
    objects = open_objects(settings)
    files = Files(engine, objects, settings.keep_days * DAY_S)
    return Parts(
        settings=settings,
        engine=engine,
        requests=requests,
        events=events,
        leases=Leases(engine),
        keys=Keys(engine, settings.api_keys),
        objects=objects,
        files=files,
        uploads=Uploads(engine, objects, files, settings.max_upload_bytes),
        threads=threads,
        watcher=Watcher(requests, events, threads),
    )


def parts_of(request: HTTPConnection) -> Parts:
    """The parts of the app that a request came to."""
    parts: Parts = request.app.state.parts
    return parts
