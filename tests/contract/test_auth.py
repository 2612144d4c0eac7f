"""Who may call: valid keys and nobody else, and what guessing leads to."""

from __future__ import annotations

import time

import httpx
import pytest

from lyra_zoom.server.callers import GUESSES, MOST_ADDRESSES, Guesses
from tests.server import INPUT, KEY, SUBMIT, running_api

REFUSED = (401, {"detail": "invalid key credentials"})


def call(api, authorization=None):
    headers = {} if authorization is None else {"Authorization": authorization}
    return httpx.post(api.url + SUBMIT, json=INPUT, headers=headers)


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Key",
        "Key wrong",
        "Key test:other",
        "Key test",
        "Key :",
        "Basic dGVzdDprZXk=",
        f"Bearer {KEY}",
        KEY,
        f"Key {KEY} {KEY}",
        "Key \u00e9",
    ],
)
def test_whatever_is_wrong_the_answer_is_the_same(api, authorization):
    headers = (
        {} if authorization is None else {"Authorization": authorization.encode("latin-1")}
    )
    answer = httpx.post(api.url + SUBMIT, json=INPUT, headers=headers)
    assert (answer.status_code, answer.json()) == REFUSED


def test_a_key_in_the_address_is_none(api):
    assert httpx.post(f"{api.url}{SUBMIT}?key={KEY}", json=INPUT).status_code == 401


@pytest.mark.parametrize("path", ["", "/status", "/status/stream", "/response", "/cancel"])
def test_every_route_of_a_request_needs_a_key(api, path):
    where = f"{api.url}/queue/fal-ai/lyra-2/requests/{api.submit()}{path}"
    method = "PUT" if path == "/cancel" else "GET"
    assert httpx.request(method, where).status_code == 401


@pytest.mark.slow
def test_a_key_that_was_made_works_until_it_is_revoked(api):
    made = api.parts.keys.create("laptop", time.time())
    assert call(api, f"Key {made.key}").status_code == 200
    api.parts.keys.revoke(made.key_id, time.time())
    deadline = time.monotonic() + 6
    while call(api, f"Key {made.key}").status_code == 200 and time.monotonic() < deadline:
        time.sleep(0.3)
    assert call(api, f"Key {made.key}").status_code == 401


def test_guessing_ends_while_valid_keys_go_on(tmp_path):
    with running_api(tmp_path) as api, api.client("wrong") as guesser:
        statuses = [
            guesser.get("/queue/fal-ai/lyra-2/requests/x").status_code for _ in range(60)
        ]
        assert statuses[:GUESSES] == [401] * GUESSES
        assert set(statuses[GUESSES:]) == {429}
        assert call(api, f"Key {api.new_key()}").status_code == 200


def test_guesses_from_everywhere_need_no_more_memory():
    guesses = Guesses()
    for number in range(3 * MOST_ADDRESSES):
        guesses.one_more(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}")
    assert len(guesses) <= MOST_ADDRESSES


def test_the_public_pages_need_no_key(api):
    for path in ("/healthz", "/openapi.json", "/docs", "/rest/.well-known/jwks.json"):
        assert httpx.get(api.url + path).status_code == 200
