"""Refuses to work under a name that a live worker of another machine has.

Two workers of one name would take up each other's requests as their own, left by a death. On
one machine the scratch folder's lock says so; here the other's signs of life do.
"""

from __future__ import annotations

import os
import socket
import time

from lyra_zoom.errors import SettingRejected
from lyra_zoom.jobs.leases import BEAT_EVERY_S, Leases

WATCHED_S = 2 * BEAT_EVERY_S
LOOK_EVERY_S = 0.5


def refuse_taken_name(leases: Leases, executor_id: str, watched_s: float = WATCHED_S) -> None:
    """Return if nobody else beats under this name; else `SettingRejected`.

    Only a lease that another host left is watched; that of our own dead predecessor is not.
    """
    found = leases.find(executor_id)
    if found is None or found.host == socket.gethostname():
        return
    beat = leases.beats().get(executor_id)
    until = time.monotonic() + watched_s
    while time.monotonic() < until:
        time.sleep(LOOK_EVERY_S)
        if leases.beats().get(executor_id) != beat:
            raise SettingRejected(
                f"--executor-id: a worker on {found.host} is called {executor_id} and is at "
                f"work (process {found.pid}; this is {os.getpid()}); every worker needs a name "
                "of its own, and gets one where the option is left out"
            )
