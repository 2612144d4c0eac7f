"""`lyra-zoom work` with an engine that repeats the photograph, slowly and without much work.

`python -m tests.slow_worker EXECUTOR_ID [KIND]`; kinds are those of `tests.engine_children`.
"""

from __future__ import annotations

import logging
import os
import sys

from lyra_zoom.settings import Settings
from lyra_zoom.worker.engine_process import EngineProcess
from lyra_zoom.worker.work import work
from tests.engine_children import command


def main() -> None:
    """What `lyra_zoom.cli.work` does."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(name)s: %(message)s")
    engine = EngineProcess(command(sys.argv[2] if len(sys.argv) > 2 else "slow"))
    engine.start()
    work(Settings.from_environment(os.environ), sys.argv[1], engine)
    os._exit(0)  # as the real one does: threads that hold a request are not waited for


if __name__ == "__main__":
    main()
