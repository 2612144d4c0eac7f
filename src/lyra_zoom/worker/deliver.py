"""Step 6 of 6, answer, by webhook: one signed attempt to tell a receiver what became of it.

Knows nothing of why a request ended: the body was written when it did.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import sqlalchemy as sa

from lyra_zoom.errors import AddressUnreachable, InputRejected
from lyra_zoom.jobs.deliveries import Deliveries, Delivery
from lyra_zoom.jobs.durable import DurableQueue
from lyra_zoom.jobs.signing import SigningKeys
from lyra_zoom.settings import Settings
from lyra_zoom.storage.outbound import WEBHOOK_TIMEOUT_S, post_outbound
from lyra_zoom.storage.pinned import OutboundPolicy
from lyra_zoom.worker.patience import FOR_EVER_S, patiently

logger = logging.getLogger(__name__)

FIELD = "fal_webhook"

OUR_MISTAKE = "this server could not send it"


class NotTaken(Exception):
    """The receiver did not take it this time; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Courier:
    """Makes the attempts of one worker process; any number of threads may call it."""

    deliveries: Deliveries
    keys: SigningKeys
    policy: OutboundPolicy
    timeout_s: float = WEBHOOK_TIMEOUT_S

    def deliver(self, request_id: str, attempt: int, now: float | None = None) -> None:
        """Make attempt number `attempt`, unless it was made; write down what follows from it.

        `now` is the clock's unless given. Raises nothing because of a database that is away:
        the queue would take that for the end of the webhook.
        """
        delivery = patiently(lambda: self.deliveries.due(request_id, attempt), FOR_EVER_S)
        if delivery is not None:
            now = time.time() if now is None else now
            patiently(self._attempt(delivery, now), FOR_EVER_S)

    def _attempt(self, delivery: Delivery, now: float) -> Callable[[], bool]:
        """Make the attempt; the answer writes down what became of it."""
        request_id, attempt = delivery.request_id, delivery.attempts
        try:
            self._send(delivery, now)
        except InputRejected as error:
            _log("a webhook is given up", delivery, error.message)
            return partial(self.deliveries.give_up, request_id, attempt, error.message, now)
        except NotTaken as error:
            _log("a webhook was not taken", delivery, str(error))
            return partial(self.deliveries.fail, request_id, attempt, str(error), now)
        except Exception:  # a mistake of ours must not be the end of the webhook
            logger.exception("a webhook could not be sent request_id=%s", request_id)
            return partial(self.deliveries.fail, request_id, attempt, OUR_MISTAKE, now)
        return partial(self.deliveries.acknowledge, request_id, attempt, now)

    def _send(self, delivery: Delivery, now: float) -> None:
        """Raises `NotTaken`, or `InputRejected` for an address that must not be visited."""
        signature = patiently(
            lambda: self.keys.sign(delivery.request_id, delivery.key_id, delivery.body, now)
        )
        headers = {"content-type": "application/json", **signature}
        try:
            status = post_outbound(
                delivery.url, delivery.body, headers, self.policy, self.timeout_s
            )
        except AddressUnreachable as error:
            raise NotTaken(str(error)) from error
        if not 200 <= status < 300:
            raise NotTaken(f"the receiver answered {status}")


def open_courier(settings: Settings, engine: sa.Engine, queue: DurableQueue) -> Courier:
    """The courier on the operator's database, under the operator's rule for addresses."""
    return Courier(
        deliveries=Deliveries(engine, queue),
        keys=SigningKeys(engine),
        policy=OutboundPolicy(field_name=FIELD, allow_private=settings.allow_private_webhooks),
    )


def _log(what: str, delivery: Delivery, why: str) -> None:
    logger.info(
        "%s request_id=%s attempt=%d reason=%r",
        what,
        delivery.request_id,
        delivery.attempts,
        why,
    )
