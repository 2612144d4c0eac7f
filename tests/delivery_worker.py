"""A worker that only delivers webhooks, for stories that kill it: `python -m` with a database.

It works until its standard input closes.
"""

from __future__ import annotations

import sys
from pathlib import Path

from lyra_zoom.database.open import open_database
from lyra_zoom.jobs.durable import DurableQueue, Executor
from lyra_zoom.settings import Settings
from lyra_zoom.worker.deliver import open_courier


def main(database_url: str) -> None:
    settings = Settings(data=Path(), database_url=database_url, allow_private_webhooks=True)
    engine = open_database(settings.database)
    courier = open_courier(settings, engine, DurableQueue(engine))
    executor = Executor(engine, "worker", zoom=lambda *_: None, deliver=courier.deliver)
    executor.launch()
    sys.stdin.read()
    executor.close()


if __name__ == "__main__":
    main(sys.argv[1])
