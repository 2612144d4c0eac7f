"""`lyra-zoom webhooks`: what an operator sees and does."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
import sqlalchemy as sa

from lyra_zoom.cli.main import main
from lyra_zoom.jobs.deliveries import Deliveries
from lyra_zoom.jobs.durable import DurableQueue
from lyra_zoom.jobs.signing import SigningKeys
from tests.webhooks import owe

NOW = 1_790_000_000.0
URL = "https://ann:password@there.example/hook?token=secret"


@pytest.fixture
def database_url(tmp_path):
    return f"sqlite:///{tmp_path / 'test.sqlite'}"


@pytest.fixture
def deliveries(engine: sa.Engine, queue: DurableQueue) -> Deliveries:
    return Deliveries(engine, queue)


@pytest.fixture
def webhooks(database_url, monkeypatch, capsys) -> Callable[..., str]:
    """Type `lyra-zoom webhooks ...`; returns what it printed, errors too."""
    monkeypatch.setenv("LYRA_ZOOM_DATABASE_URL", database_url)

    def typed(*arguments: str, status: int = 0) -> str:
        assert main(["webhooks", *arguments]) == status
        said = capsys.readouterr()
        return said.out + said.err

    return typed


def test_a_failed_webhook_is_listed_with_its_reason(webhooks, engine, deliveries):
    owe(engine, URL)
    deliveries.give_up("r1", 0, "the name does not resolve", NOW)
    (line,) = webhooks("list", "--failed").splitlines()
    assert line.split("  ")[0] == "r1"
    assert "failed" in line
    assert "1 attempt" in line
    assert "2026-09-21 14:13:20+00:00" in line
    assert line.endswith("https://there.example/hook  the name does not resolve")


def test_secrets_of_the_address_are_not_shown(webhooks, engine):
    owe(engine, URL)
    assert "secret" not in webhooks("list")
    assert "password" not in webhooks("list")


def test_only_failed_ones_are_listed_when_asked(webhooks, engine):
    owe(engine, URL)
    assert webhooks("list", "--failed") == "no webhook has failed\n"
    assert webhooks("list").startswith("r1  pending")


def test_the_list_is_there_for_programs(webhooks, engine):
    owe(engine, URL)
    (facts,) = json.loads(webhooks("list", "--json"))
    assert (facts["request_id"], facts["state"], facts["url"]) == ("r1", "pending", URL)


def test_a_webhook_is_sent_again(webhooks, engine, deliveries):
    owe(engine, URL)
    deliveries.give_up("r1", 0, "no", NOW)
    assert webhooks("redeliver", "r1").startswith("r1")
    assert deliveries.due("r1", 1) is not None


def test_an_unknown_request_is_said_to_be_unknown(webhooks):
    said = webhooks("redeliver", "r9", status=2)
    assert said == "lyra-zoom: REQUEST_ID: no webhook belongs to 'r9'\n"


def test_the_key_rotates(webhooks, engine):
    keys = SigningKeys(engine)
    old = keys.signing(NOW)
    kid = webhooks("rotate-key").split()[0]
    assert [key.kid for key in keys.published(NOW)] == [old.kid, kid]


def test_a_leaked_key_is_replaced(webhooks, engine):
    keys = SigningKeys(engine)
    keys.signing(NOW)
    kid = webhooks("rotate-key", "--at-once").split()[0]
    assert [key.kid for key in keys.published(NOW)] == [kid]
