"""Text that a database may not like: NUL, lone surrogates, what is no UTF-8; on both kinds."""

from __future__ import annotations

import json

import pytest

from tests.databases import KINDS, new_database
from tests.server import SUBMIT, running_api

JSON = {"Content-Type": "application/json"}
INITIATE = "/rest/storage/upload/initiate"
OF_NUL = json.dumps({"initial_acl": {"rules": [{"user": "\0\ud800", "decision": "hide"}]}})


@pytest.fixture(scope="module", params=KINDS)
def client(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("odd")
    url = new_database(request.param, folder)
    with running_api(folder / "data", database_url=url) as api, api.client() as connected:
        yield connected


@pytest.mark.parametrize("odd", ["%00", "%ff%fe", "%ed%a0%80", "%F0%9F%98%80", "'", "x" * 5000])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/queue/fal-ai/lyra-2/requests/{}"),
        ("PUT", "/queue/fal-ai/lyra-2/requests/{}/cancel"),
        ("GET", "/cdn/files/b/{}/name"),
        ("GET", "/cdn/files/b/unknown/{}"),
        ("PUT", "/cdn/uploads/{}"),
        ("PUT", "/cdn/uploads/{}/1"),
        ("PUT", "/cdn/files/b/unknown/{0}/multipart/{0}/1"),
    ],
)
def test_an_odd_id_is_as_unknown_as_any_other(client, method, path, odd):
    assert client.request(method, path.format(odd)).status_code == 404


@pytest.mark.parametrize("odd", ["%00", "x%00y", "%ff", "%ed%a0%80"])
def test_an_odd_webhook_is_kept_or_refused(client, odd):
    answer = client.post(f"{SUBMIT}?fal_webhook=https://hooks.example/%3Fa={odd}", json={})
    assert answer.status_code in (200, 422)


@pytest.mark.parametrize("header", ["Idempotency-Key", "Authorization", "X-Fal-Runner-Hint"])
def test_an_odd_header_is_kept_or_refused(client, header):
    answer = client.post(SUBMIT, json={}, headers={header: b"Key \xe9\xff"})
    assert answer.status_code in (200, 401)


@pytest.mark.parametrize("text", [r"\u0000", r"\u0001/..\\x", r"\ud83d\ude00"])
def test_an_odd_name_is_made_harmless(client, text):
    body = f'{{"file_name": "{text}", "content_type": "{text}"}}'.encode()
    assert client.post(INITIATE, content=body, headers=JSON).status_code == 200
    named = client.post("/cdn/files/upload", headers={"X-Fal-File-Name": "%00%ff%ed%a0%80"})
    assert client.get(named.json()["access_url"]).status_code == 200


def test_a_name_of_half_a_sign_is_refused(client):
    answer = client.post(INITIATE, content=rb'{"file_name": "\ud800"}', headers=JSON)
    assert answer.status_code == 422


@pytest.mark.parametrize("wish", [OF_NUL, '{"expiration_duration_seconds": 1e308}'])
def test_an_odd_life_is_kept_or_refused(client, wish):
    headers = {"X-Fal-Object-Lifecycle": wish}
    answer = client.post(INITIATE, json={}, headers=headers)
    assert answer.status_code in (200, 400)
    kept = client.post("/cdn/files/upload", content=b"x", headers=headers)
    assert kept.status_code == answer.status_code
