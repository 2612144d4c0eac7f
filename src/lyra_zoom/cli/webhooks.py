"""`lyra-zoom webhooks`: what receivers were told, telling them again, the key that signs."""

from __future__ import annotations

import argparse
import dataclasses
import json
import os
import time
from datetime import UTC, datetime
from urllib.parse import urlsplit

import sqlalchemy as sa

from lyra_zoom.database.open import migrate, open_database
from lyra_zoom.errors import InputRejected
from lyra_zoom.jobs.deliveries import Deliveries, Delivery, DeliveryState
from lyra_zoom.jobs.durable import DurableQueue
from lyra_zoom.jobs.signing import SigningKeys
from lyra_zoom.settings import Settings


def run(arguments: argparse.Namespace) -> None:
    """Do what was asked, on the database of the settings; no server need run."""
    engine = open_database(Settings.from_environment(os.environ).database)
    try:
        migrate(engine)
        ACTIONS[arguments.action](engine, arguments)
    finally:
        engine.dispose()


def _list(engine: sa.Engine, arguments: argparse.Namespace) -> None:
    state = DeliveryState.FAILED if arguments.failed else None
    found = Deliveries(engine, DurableQueue(engine)).newest(state)
    if arguments.json:
        print(json.dumps([_facts(delivery) for delivery in found], indent=1))
    elif found:
        for delivery in found:
            print(_line(delivery))
    else:
        print("no webhook has failed" if arguments.failed else "no webhook was asked for")


def _redeliver(engine: sa.Engine, arguments: argparse.Namespace) -> None:
    deliveries = Deliveries(engine, DurableQueue(engine))
    for request_id in arguments.request_id:
        if not deliveries.redeliver(request_id):
            raise InputRejected("REQUEST_ID", f"no webhook belongs to {request_id!r}")
        print(f"{request_id}  a worker sends it next")


def _rotate_key(engine: sa.Engine, arguments: argparse.Namespace) -> None:
    keys, now = SigningKeys(engine), time.time()
    if arguments.at_once:
        print(f"{keys.replace(now).kid}  signs from now on; every older key is forgotten")
    else:
        print(f"{keys.rotate(now).kid}  is published now and signs in 24 hours")


ACTIONS = {"list": _list, "redeliver": _redeliver, "rotate-key": _rotate_key}


def _line(delivery: Delivery) -> str:
    """One delivery for a person."""
    attempts = "1 attempt" if delivery.attempts == 1 else f"{delivery.attempts} attempts"
    parts = [
        delivery.request_id,
        f"{delivery.state:9}",
        f"{attempts:11}",
        _moment(delivery.last_attempt_at or delivery.created_at),
        _address(delivery.url),
    ]
    if delivery.state is not DeliveryState.DELIVERED and delivery.last_problem:
        parts.append(delivery.last_problem)
    return "  ".join(parts)


def _address(url: str) -> str:
    """Where it goes, without what may be a secret: user, password and query."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "an unreadable address"
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def _facts(delivery: Delivery) -> dict[str, object]:
    facts = dataclasses.asdict(delivery)
    del facts["body"]
    return {"state": delivery.state, **facts}


def _moment(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(sep=" ", timespec="seconds")
