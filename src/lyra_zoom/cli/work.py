"""`lyra-zoom work`: one worker alone; the API runs elsewhere, on the same database."""

from __future__ import annotations

import argparse
import os
import re
import sys

from lyra_zoom.cli.service_options import log_to_stderr, obey_supervisor, settings_of
from lyra_zoom.errors import SettingRejected
from lyra_zoom.worker.engine_process import EngineProcess

EXECUTOR_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,100}")


def run(arguments: argparse.Namespace) -> None:
    """Work until a signal comes."""
    obey_supervisor(arguments)
    log_to_stderr(arguments)
    settings = settings_of(arguments)
    engine = EngineProcess()
    engine.start()
    # What follows takes a second to import: the engine gets ready meanwhile.
    from lyra_zoom.worker.work import new_executor_id, work

    work(settings, _checked(arguments.executor_id) or new_executor_id(), engine)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # threads that still hold a request must not be waited for


def _checked(executor_id: str | None) -> str | None:
    if executor_id is not None and not EXECUTOR_ID.fullmatch(executor_id):
        raise SettingRejected("--executor-id: letters, digits, dots and hyphens, at most 100")
    return executor_id
