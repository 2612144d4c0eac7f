"""Requests to addresses that strangers chose: no redirect, no proxy, one deadline for all."""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import httpcore

from lyra_zoom.errors import AddressUnreachable
from lyra_zoom.storage.pinned import Deadline, OutboundPolicy, PinnedBackend
from lyra_zoom.storage.public_address import Address, parse_address

WEBHOOK_TIMEOUT_S = 15.0
LARGEST_WEBHOOK_ANSWER_BYTES = 64 * 2**10


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said: header names are in lower case, the body is read piece by piece."""

    status_code: int
    headers: Mapping[str, str]
    pieces: Iterator[bytes]


@contextmanager
def open_answer(
    address: Address,
    policy: OutboundPolicy,
    deadline: Deadline,
    headers: Mapping[str, str],
    body: bytes | None = None,
) -> Iterator[Answer]:
    """Send one GET, or a POST when there is a body; the answer can be read while this is open.

    Raises `InputRejected` for an address that must not be visited and `AddressUnreachable` for
    everything that goes wrong on the way, until the last byte is read.
    """
    policy.check(address)
    url = httpcore.URL(
        scheme=address.scheme, host=address.host, port=address.port, target=address.target
    )
    named = {"host": address.authority, "user-agent": "lyra-zoom", **headers}
    sent = [(name.encode(), value.encode()) for name, value in named.items()]
    with (
        _said_plainly(deadline),
        httpcore.ConnectionPool(
            ssl_context=policy.network.certificates() if address.scheme == "https" else None,
            network_backend=PinnedBackend(policy, deadline),
        ) as pool,
        pool.stream("GET" if body is None else "POST", url, headers=sent, content=body) as got,
    ):
        names = {name.decode("latin-1").lower(): value for name, value in got.headers}
        received = {name: value.decode("utf-8", "replace") for name, value in names.items()}
        yield Answer(got.status, received, got.iter_stream())


def post_outbound(
    url: str,
    body: bytes,
    headers: Mapping[str, str],
    policy: OutboundPolicy,
    timeout_s: float = WEBHOOK_TIMEOUT_S,
) -> int:
    """The status a receiver answers with; at most 64 KiB of what else it says are read.

    A redirect is an answer like any other. Raises `InputRejected` and `AddressUnreachable`.
    """
    address = parse_address(url, policy.field_name)
    with open_answer(address, policy, Deadline(timeout_s), headers, body) as answer:
        left = LARGEST_WEBHOOK_ANSWER_BYTES
        for piece in answer.pieces:
            left -= len(piece)
            if left <= 0:
                break
        return answer.status_code


@contextmanager
def _said_plainly(deadline: Deadline) -> Iterator[None]:
    """Everything that a connection can die of, as one error in plain words."""
    try:
        yield
    except httpcore.ConnectTimeout as error:
        raise AddressUnreachable("no connection to the server in time") from error
    except httpcore.TimeoutException as error:
        raise AddressUnreachable(f"no complete answer within {deadline.seconds:g} s") from error
    except (httpcore.NetworkError, httpcore.ProtocolError, OSError) as error:
        raise AddressUnreachable(_reason(error)) from error


def _reason(error: Exception) -> str:
    """Why a connection failed, without numbers, names or paths of this machine."""
    cause = (
        error.__cause__ or error.__context__ or error
    )  # httpcore cuts the one, not the other
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"the certificate of the server is not valid: {cause.verify_message}"
    if isinstance(cause, ssl.SSLError):
        return "the server offers no secure connection"
    if isinstance(cause, ConnectionRefusedError):
        return "the server refuses the connection"
    if isinstance(error, httpcore.ConnectError):
        return "the name does not resolve, or its server cannot be reached"
    return "the server broke off, or answers in no known way"
