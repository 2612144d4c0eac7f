"""A photograph that kills every engine fails for itself alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.cluster import Api, Worker, clean_environment
from tests.official_clients import data_uri
from tests.pictures import encoded
from tests.service import KEY

pytestmark = pytest.mark.slow

POISON = data_uri(encoded(np.full((200, 320, 3), 90, np.uint8), "PNG"), "image/png")
"""What the engine `crashing` of `tests.engine_children` dies of, by native code."""


def test_it_ends_with_a_typed_error_while_the_others_become_videos(tmp_path: Path):
    environment = clean_environment({"api_keys": KEY, "data": str(tmp_path / "data")})
    api = Api(tmp_path / "api", environment)
    worker = Worker(tmp_path / "worker", "local-0", environment, kind="crashing")
    api.wait_until_ready()
    before, poison, after = api.submit(), api.submit(image_url=POISON), api.submit()
    answers = [api.result(request_id) for request_id in (before, poison, after)]
    assert [answer.status_code for answer in answers] == [200, 503, 200]
    assert answers[1].json()["error_type"] == "runner_disconnected"
    assert sum("started again" in line for line in api.lines(poison)) == 2
    assert [worker.stop(), api.stop()] == [0, 0], "the worker outlived them all"
