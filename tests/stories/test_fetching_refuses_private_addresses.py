"""A server that is handed addresses by strangers never connects to the machine it runs on.

Nothing is a fake here: a process of its own, the system's resolver, proxies in the environment,
and a listener on 127.0.0.1 that would hear a connection.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.internet import Canary

VISITOR = """
import json, sys
from lyra_zoom.errors import InputRejected
from lyra_zoom.storage.fetch import fetch_remote
from lyra_zoom.storage.outbound import post_outbound
from lyra_zoom.storage.pinned import OutboundPolicy

def outcome(visit):
    try:
        visit()
    except InputRejected as rejected:
        return rejected.kind
    return "visited"

print(json.dumps([
    outcome(visit)
    for where in json.load(sys.stdin)
    for visit in (
        lambda: fetch_remote(where, policy=OutboundPolicy(), deadline_s=5),
        lambda: post_outbound(where, b"{}", {}, OutboundPolicy(field_name="webhook")),
    )
]))
"""

LEADING_INSIDE = [
    "http://127.0.0.1:{port}/own-file", "https://127.0.0.1:{port}/", "http://localhost:{port}/",
    "http://localhost.:{port}/", "http://LOCALHOST:{port}/", "http://127.1:{port}/",
    "http://2130706433:{port}/", "http://0x7f000001:{port}/", "http://0177.0.0.1:{port}/",
    "http://0:{port}/", "http://0.0.0.0:{port}/", "http://[::ffff:127.0.0.1]:{port}/",
    "http://[64:ff9b::7f00:1]:{port}/", "http://good.example\\@127.0.0.1:{port}/",
    "http://good.example@127.0.0.1:{port}/", "http://127.0.0.1:{port}#@good.example/",
    "gopher://127.0.0.1:{port}/", "http://127。0。0。1:{port}/",
]  # fmt: skip


@pytest.fixture
def canary() -> Iterator[Canary]:
    canary = Canary()
    yield canary
    canary.close()


def test_no_address_of_a_stranger_leads_to_this_machine(canary):
    addresses = [where.format(port=canary.port) for where in LEADING_INSIDE]
    proxies = dict.fromkeys(
        ("http_proxy", "https_proxy", "all_proxy"), f"http://127.0.0.1:{canary.port}"
    )
    visitor = subprocess.run(
        [sys.executable, "-c", VISITOR],
        input=json.dumps(addresses),
        env=os.environ | proxies,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert canary.heard == 0
    assert set(json.loads(visitor.stdout)) == {"file_download_error"}
