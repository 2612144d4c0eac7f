"""The keys that sign webhooks: one for all processes, and no receiver left without it."""

from __future__ import annotations

import base64
import json
import threading

import pytest
import sqlalchemy as sa

from lyra_zoom.database.open import migrate, open_database
from lyra_zoom.jobs.signing import SigningKeys
from tests.webhooks import verify

NOW = 1_790_000_000.0
HOUR = 3600.0
BODY = b'{"status":"OK"}'


@pytest.fixture
def keys(engine: sa.Engine) -> SigningKeys:
    return SigningKeys(engine)


def signed(keys: SigningKeys, now: float = NOW) -> dict[str, str]:
    headers = keys.sign("r1", "ann", BODY, now)
    return {name.lower(): value for name, value in headers.items()}


def test_a_signed_body_passes_the_check(keys):
    assert verify(signed(keys), BODY, keys.jwks(NOW), NOW + 299)


def test_the_headers_are_those_of_fal(keys):
    headers = keys.sign("r1", "ann", BODY, NOW + 0.9)
    assert list(headers) == [
        "X-Fal-Webhook-Request-Id",
        "X-Fal-Webhook-User-Id",
        "X-Fal-Webhook-Timestamp",
        "X-Fal-Webhook-Signature",
    ]
    assert list(headers.values())[:3] == ["r1", "ann", "1790000000"]
    assert len(bytes.fromhex(headers["X-Fal-Webhook-Signature"])) == 64


def test_a_changed_body_fails_the_check(keys):
    assert not verify(signed(keys), BODY + b" ", keys.jwks(NOW), NOW)


@pytest.mark.parametrize(
    ("name", "value"),
    [("request-id", "r2"), ("user-id", "bob"), ("timestamp", str(int(NOW) + 1))],
)
def test_a_changed_header_fails_the_check(keys, name, value):
    headers = signed(keys) | {f"x-fal-webhook-{name}": value}
    assert not verify(headers, BODY, keys.jwks(NOW), NOW)


def test_an_old_delivery_fails_the_check(keys):
    assert not verify(signed(keys), BODY, keys.jwks(NOW), NOW + 301)


def test_another_servers_key_fails_the_check(keys, tmp_path):
    other = open_database(f"sqlite:///{tmp_path / 'other.sqlite'}")
    migrate(other)
    assert not verify(signed(keys), BODY, SigningKeys(other).jwks(NOW), NOW)
    other.dispose()


def test_a_published_key_is_what_rfc_8037_asks_for(keys):
    (key,) = keys.jwks(NOW)["keys"]
    assert {name: key[name] for name in ("kty", "crv", "alg", "use")} == {
        "kty": "OKP",
        "crv": "Ed25519",
        "alg": "EdDSA",
        "use": "sig",
    }
    assert "=" not in key["x"]
    assert len(base64.urlsafe_b64decode(key["x"] + "=")) == 32


def test_no_private_half_is_published(keys, engine):
    published = json.dumps(keys.jwks(NOW))
    with engine.connect() as connection:
        secret = connection.execute(sa.text("SELECT private_key FROM signing_key")).scalar_one()
    assert base64.urlsafe_b64encode(bytes(secret)).decode().rstrip("=") not in published
    assert '"d"' not in published


def test_the_key_outlives_the_process(keys, database_url):
    before = keys.jwks(NOW)
    after = open_database(database_url)
    assert SigningKeys(after).jwks(NOW + HOUR) == before
    after.dispose()


def test_processes_that_start_together_make_one_key(database_url, keys):
    start, kids = threading.Barrier(6), []

    def begin() -> None:
        engine = open_database(database_url)
        start.wait()
        kids.append(SigningKeys(engine).signing(NOW).kid)
        engine.dispose()

    threads = [threading.Thread(target=begin) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(kids) == 6
    assert len(set(kids)) == 1


class TestRotation:
    def test_a_new_key_is_published_at_once(self, keys):
        old = keys.signing(NOW).kid
        new = keys.rotate(NOW + 1).kid
        assert [key["kid"] for key in keys.jwks(NOW + 1)["keys"]] == [old, new]

    def test_it_signs_a_day_later(self, keys):
        old = keys.signing(NOW).kid
        new = keys.rotate(NOW).kid
        assert keys.signing(NOW + 23.9 * HOUR).kid == old
        assert keys.signing(NOW + 24 * HOUR).kid == new

    def test_the_old_key_is_published_for_25_hours(self, keys):
        old = keys.signing(NOW).kid
        new = keys.rotate(NOW).kid
        assert [key.kid for key in keys.published(NOW + 24.9 * HOUR)] == [old, new]
        assert [key.kid for key in keys.published(NOW + 25 * HOUR)] == [new]

    @pytest.mark.parametrize("hours", [0, 1, 20, 23.95, 24, 24.5, 30, 60])
    def test_a_receiver_that_keeps_the_keys_for_a_day_understands_every_delivery(
        self, keys, hours
    ):
        keys.signing(NOW)
        keys.rotate(NOW + HOUR)
        keys.rotate(NOW + 10 * HOUR)
        sent = NOW + hours * HOUR
        kept_since = max(NOW, sent - 24 * HOUR)
        assert verify(signed(keys, sent), BODY, keys.jwks(kept_since), sent)

    def test_what_was_signed_before_is_still_understood(self, keys):
        headers = signed(keys)
        keys.rotate(NOW + 10)
        assert verify(headers, BODY, keys.jwks(NOW + 20), NOW + 20)

    def test_keys_whose_time_is_over_are_deleted(self, keys, engine):
        keys.signing(NOW)
        keys.rotate(NOW)
        keys.rotate(NOW + 30 * HOUR)
        with engine.connect() as connection:
            count = connection.execute(sa.text("SELECT count(*) FROM signing_key")).scalar_one()
        assert count == 2

    def test_a_leaked_key_is_forgotten_at_once(self, keys):
        leaked = signed(keys)
        new = keys.replace(NOW + 1)
        assert keys.signing(NOW + 1).kid == new.kid
        assert not verify(leaked, BODY, keys.jwks(NOW + 1), NOW + 1)
