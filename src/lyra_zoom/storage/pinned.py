"""Connections that go to the very IP address that was checked, and end at a deadline.

A name is resolved once, every address it has is judged, and one of those is dialled by number;
TLS and the `Host` header keep the name. Nothing resolves the name a second time, so an answer
that changes between two look-ups (DNS rebinding) has nothing to gain.
"""

from __future__ import annotations

import functools
import queue
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Any, TypeAlias

import httpcore
import httpx

from lyra_zoom.storage.public_address import (
    Address,
    IpAddress,
    is_local,
    is_local_name,
    is_public,
    is_web_port,
    literal,
    parse_address,
    refused,
)

CONNECT_TIMEOUT_S = 10.0
"""For the look-up of the name and the connection together, and once more for TLS."""

MOST_DIALLED = 4
"""Addresses of one name that are tried, in the resolver's order; all of them are checked."""

Resolve: TypeAlias = Callable[[str], Iterable[str]]
"""The IP addresses of a name; raises `OSError` when there are none."""

Dial: TypeAlias = Callable[[IpAddress, int, float], httpcore.NetworkStream]
"""A connection to an IP address and a port, within seconds."""


def resolve_by_system(host: str) -> list[str]:
    """What this machine's resolver, hosts file included, says about a name."""
    answers = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in answers]


def dial_by_socket(ip: IpAddress, port: int, timeout_s: float) -> httpcore.NetworkStream:
    """A real connection."""
    return httpcore.SyncBackend().connect_tcp(str(ip), port, timeout_s)


@functools.lru_cache(maxsize=1)
def public_certificates() -> ssl.SSLContext:
    """TLS 1.2 and up with the public authorities; the environment has no say."""
    return httpx.create_ssl_context(trust_env=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """The world outside, in three functions; the real one unless a test brings its own."""

    resolve: Resolve = resolve_by_system
    dial: Dial = dial_by_socket
    certificates: Callable[[], ssl.SSLContext] = public_certificates


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboundPolicy:
    """Where a request may lead this machine, and the field of the request that says so.

    `allow_private` adds this machine, its own networks and every port; link-local addresses and
    the metadata services of clouds stay closed.
    """

    field_name: str = "image_url"
    allow_private: bool = False
    network: Network = field(default_factory=Network)

    def admits(self, ip: IpAddress) -> bool:
        """Whether this IP address may be connected to."""
        return is_public(ip) or (self.allow_private and is_local(ip))

    def check(self, address: Address) -> None:
        """Refuse an address that shows by itself that it must not be visited."""
        ip = literal(address.host)
        if ip is not None and not self.admits(ip):
            raise refused(self.field_name, "the address is not public")
        if self.allow_private:
            return
        if is_local_name(address.host):
            raise refused(self.field_name, "the name is not of the public internet")
        if not is_web_port(address.port):
            raise refused(
                self.field_name,
                "the port is not one of web servers: 80, 443, most from 1024 on",
            )


def refuse_address(url: str, policy: OutboundPolicy) -> None:
    """Raise `InputRejected` for an address whose fault shows without asking the network."""
    policy.check(parse_address(url, policy.field_name))


class Deadline:
    """A moment after which nothing is waited for any more."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._end = time.monotonic() + seconds

    def left(self, at_most: float | None = None) -> float:
        """Seconds until then; raises httpcore's timeout when there are none."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise httpcore.ReadTimeout(f"over after {self.seconds:g} s")
        return left if at_most is None else min(left, at_most)


class PinnedBackend(httpcore.NetworkBackend):
    """Where httpcore opens its connections: resolves, checks, and dials what was checked."""

    def __init__(self, policy: OutboundPolicy, deadline: Deadline) -> None:
        self._policy = policy
        self._deadline = deadline

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        """A connection to one of the addresses of `host`, all of which are admissible."""
        for_connecting = Deadline(self._deadline.left(CONNECT_TIMEOUT_S))
        addresses = self._checked(host, for_connecting)[:MOST_DIALLED]
        for position, ip in enumerate(addresses, start=1):
            share_s = for_connecting.left() / (len(addresses) - position + 1)
            try:
                stream = self._policy.network.dial(ip, port, share_s)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                if position == len(addresses):
                    raise
            else:
                return PunctualStream(stream, self._deadline)
        raise httpcore.ConnectError("the name has no address")

    def _checked(self, host: str, deadline: Deadline) -> Sequence[IpAddress]:
        found = literal(host)
        answers = (
            [found]
            if found is not None
            else [ip_address(text) for text in self._resolved(host, deadline)]
        )
        if not all(self._policy.admits(ip) for ip in answers):
            raise refused(self._policy.field_name, "the name leads to an address not public")
        return list(dict.fromkeys(answers))

    def _resolved(self, host: str, deadline: Deadline) -> list[str]:
        """The look-up, in a thread of its own: the system's cannot be interrupted."""
        answer: queue.SimpleQueue[list[str] | Exception] = queue.SimpleQueue()

        def look_up() -> None:
            try:
                answer.put(list(self._policy.network.resolve(host)))
            except (
                OSError,
                ValueError,
            ) as error:  # ValueError: a label that IDNA cannot encode
                answer.put(error)

        threading.Thread(target=look_up, name="look-up of a name", daemon=True).start()
        try:
            addresses = answer.get(timeout=deadline.left())
        except queue.Empty as error:
            raise httpcore.ConnectTimeout("the name is not resolved in time") from error
        if isinstance(addresses, Exception):
            raise httpcore.ConnectError("the name does not resolve") from addresses
        return addresses


class PunctualStream(httpcore.NetworkStream):
    """A connection that no drip of bytes keeps open beyond the deadline."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: Deadline) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """What has arrived, as soon as something has."""
        return self._stream.read(max_bytes, self._deadline.left())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Send all of it."""
        self._stream.write(buffer, self._deadline.left())

    def close(self) -> None:
        """Hang up."""
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        """The same connection under TLS; the certificate must be of the name."""
        secured = self._stream.start_tls(
            ssl_context, server_hostname, self._deadline.left(CONNECT_TIMEOUT_S)
        )
        return PunctualStream(secured, self._deadline)

    def get_extra_info(self, info: str) -> Any:  # noqa: ANN401 - httpcore's signature
        """What httpcore wants to know about the socket."""
        return self._stream.get_extra_info(info)
