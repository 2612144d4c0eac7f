"""The socket that connections are made to; light, so that a supervisor can hold it."""

from __future__ import annotations

import socket
import sys

from lyra_zoom.errors import NotPossibleNow

BACKLOG = 1024

LOST_AFTER_S = 30
"""A peer that takes or answers nothing for so long is gone: perhaps with its network."""

PROBE_EVERY_S = 15


def listen(host: str, port: int) -> socket.socket:
    """A socket that connections can be made to."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        _let_go_of_lost_peers(listener)
        listener.bind(address)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise NotPossibleNow(f"cannot listen on {host} port {port}: {reason}") from error
    listener.listen(BACKLOG)
    return listener


def url_of(listener: socket.socket, host: str) -> str:
    """How a browser on this machine reaches the socket."""
    port = listener.getsockname()[1]
    name = {"0.0.0.0": "127.0.0.1", "::": "[::1]", "": "127.0.0.1"}.get(host, host)
    return f"http://{f'[{name}]' if ':' in name and name[0] != '[' else name}:{port}"


def _let_go_of_lost_peers(listener: socket.socket) -> None:
    """Have the kernel end connections whose other side vanished; each inherits this."""
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if sys.platform == "linux":  # elsewhere the system's own patience counts
        tcp = socket.IPPROTO_TCP
        listener.setsockopt(tcp, socket.TCP_KEEPIDLE, PROBE_EVERY_S)
        listener.setsockopt(tcp, socket.TCP_KEEPINTVL, PROBE_EVERY_S)
        listener.setsockopt(tcp, socket.TCP_USER_TIMEOUT, LOST_AFTER_S * 1000)
