"""The socket that connections are made to; light, so that a supervisor can hold it."""

from __future__ import annotations

import socket

from lyra_zoom.errors import NotPossibleNow

BACKLOG = 1024


def listen(host: str, port: int) -> socket.socket:
    """A socket that connections can be made to."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
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
