"""Finds a caller's request, and ends it first when it has waited longer than its sender wanted.

Workers end such requests too; here it happens even when there is none.
"""

from __future__ import annotations

import re
import time

from lyra_zoom.jobs.job import Job
from lyra_zoom.jobs.requests import Requests

REQUEST_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def find_job(requests: Requests, request_id: str, key_id: str) -> Job | None:
    """The caller's request; what cannot be an id is not even looked up."""
    if not REQUEST_ID.fullmatch(request_id):
        return None
    job = requests.find(request_id, key_id)
    if job is None or not expire_if_late(requests, job):
        return job
    return requests.find(request_id, key_id)


def look_up(requests: Requests, request_id: str, key_id: str) -> tuple[Job, int] | None:
    """The same, and how many requests will begin before it."""
    if not REQUEST_ID.fullmatch(request_id):
        return None
    found = requests.find_with_position(request_id, key_id)
    if found is None or not expire_if_late(requests, found[0]):
        return found
    return requests.find_with_position(request_id, key_id)


def expire_if_late(requests: Requests, job: Job) -> bool:
    """End a request whose time to start is over; whether it was."""
    if job.start_timeout_s is None or job.started_at is not None or job.outcome is not None:
        return False
    now = time.time()
    is_late = now > job.accepted_at + job.start_timeout_s
    if is_late:
        requests.expire_unstarted(now)
    return is_late
