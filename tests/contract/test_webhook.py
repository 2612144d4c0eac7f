"""A receiver's view of a webhook: its body, and the checks that our manual hands out."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping

import pytest
import sqlalchemy as sa

from lyra_zoom.contract.webhook import webhook_body
from lyra_zoom.jobs.signing import SigningKeys
from tests.docs.blocks import ROOT

Keys = list[dict[str, str]]
Check = Callable[[Mapping[str, str], bytes, Keys], bool]

BODY = webhook_body("r1", 200, {"prompt": "a “harbour” at dusk\n"}).to_bytes()
MANUAL = (ROOT / "docs/manual/webhooks.md").read_text()


def code_in(language: str) -> str:
    found = re.search(rf"^```{language}\n(.*?)^```$", MANUAL, re.DOTALL | re.MULTILINE)
    assert found
    return found[1]


def check_in_python(headers: Mapping[str, str], body: bytes, keys: Keys) -> bool:
    names: dict[str, Check] = {}
    exec(compile(code_in("python"), "webhooks.md", "exec"), names)
    return names["is_genuine"](headers, body, keys)


def check_in_javascript(headers: Mapping[str, str], body: bytes, keys: Keys) -> bool:
    node = shutil.which("node") or pytest.skip("no Node here")
    lower = {name.lower(): value for name, value in headers.items()}
    body_there = f"Buffer.from('{body.hex()}', 'hex')"
    call = f"isGenuine({json.dumps(lower)}, {body_there}, {json.dumps(keys)})"
    script = f"{code_in('js')}\nconsole.log({call});"
    done = subprocess.run(
        [node, "--input-type=module", "-"],
        input=script,
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout) is True


@pytest.fixture(params=[check_in_python, check_in_javascript], ids=["python", "javascript"])
def is_genuine(request: pytest.FixtureRequest) -> Check:
    return request.param


@pytest.fixture
def keys(engine: sa.Engine) -> SigningKeys:
    return SigningKeys(engine)


@pytest.fixture
def database_url(tmp_path):
    return f"sqlite:///{tmp_path / 'test.sqlite'}"


class TestTheCheckOfTheManual:
    def test_a_genuine_webhook_passes(self, keys, is_genuine):
        now = time.time()
        assert is_genuine(keys.sign("r1", "ann", BODY, now), BODY, keys.jwks(now)["keys"])

    def test_every_published_key_counts(self, keys, is_genuine):
        now = time.time()
        keys.signing(now)
        keys.rotate(now)
        signed = keys.sign("r1", "ann", BODY, now)
        published = keys.jwks(now)["keys"]
        assert is_genuine(signed, BODY, published)
        assert is_genuine(signed, BODY, published[::-1])

    def test_a_changed_body_fails(self, keys, is_genuine):
        now = time.time()
        signed = keys.sign("r1", "ann", BODY, now)
        assert not is_genuine(signed, BODY.replace(b"OK", b"KO"), keys.jwks(now)["keys"])

    def test_a_changed_id_fails(self, keys, is_genuine):
        now = time.time()
        signed = keys.sign("r1", "ann", BODY, now) | {"X-Fal-Webhook-Request-Id": "r2"}
        assert not is_genuine(signed, BODY, keys.jwks(now)["keys"])

    def test_another_key_fails(self, keys, is_genuine):
        now = time.time()
        signed = keys.sign("r1", "ann", BODY, now)
        keys.replace(now)
        assert not is_genuine(signed, BODY, keys.jwks(now)["keys"])

    @pytest.mark.parametrize("age_s", [-310, 310])
    def test_a_timestamp_far_from_now_fails(self, keys, is_genuine, age_s):
        now = time.time()
        signed = keys.sign("r1", "ann", BODY, now - age_s)
        assert not is_genuine(signed, BODY, keys.jwks(now)["keys"])

    def test_a_request_without_a_signature_fails(self, keys, is_genuine):
        assert not is_genuine({}, BODY, keys.jwks(time.time())["keys"])


class TestTheBody:
    def test_a_success_carries_the_output(self):
        assert json.loads(webhook_body("r1", 200, {"seed": 7}).to_bytes()) == {
            "request_id": "r1",
            "gateway_request_id": "r1",
            "status": "OK",
            "payload": {"seed": 7},
        }

    def test_a_failure_carries_the_status_and_the_problem(self):
        assert json.loads(webhook_body("r1", 422, {"detail": []}).to_bytes()) == {
            "request_id": "r1",
            "gateway_request_id": "r1",
            "status": "ERROR",
            "error": "Invalid status code: 422",
            "payload": {"detail": []},
        }
