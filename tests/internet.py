"""A small internet on this machine: names, public IP addresses, and servers behind them.

Only the two ends are made up (what a name resolves to, which socket is behind a public IP
address); what lies between is the product. An IP address that nobody set up is dialled for
real, so a canary on 127.0.0.1 would hear it.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import httpcore
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from lyra_zoom.storage.pinned import Network, dial_by_socket, public_certificates
from lyra_zoom.storage.public_address import IpAddress

Talk = Callable[[socket.socket, bytes], None]
"""What a server does with a connection whose request head it has read."""


class SmallInternet:
    """Names and routes; remembers every IP address that was dialled."""

    def __init__(self) -> None:
        self.names: dict[str, list[str] | Callable[[], list[str]]] = {}
        self.routes: dict[str, int] = {}
        self.dialled: list[str] = []
        self.certificates: Callable[[], ssl.SSLContext] = public_certificates

    @property
    def network(self) -> Network:
        return Network(
            resolve=self.resolve, dial=self.dial, certificates=lambda: self.certificates()
        )

    def resolve(self, host: str) -> list[str]:
        if host not in self.names:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        answer = self.names[host]
        return answer() if callable(answer) else answer

    def dial(self, ip: IpAddress, port: int, timeout_s: float) -> httpcore.NetworkStream:
        self.dialled.append(str(ip))
        if str(ip) in self.routes:
            return dial_by_socket(ip_address("127.0.0.1"), self.routes[str(ip)], timeout_s)
        return dial_by_socket(ip, port, timeout_s)


class Canary:
    """A real listener on 127.0.0.1 that nobody may find."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.setblocking(False)
        self.port: int = self._listener.getsockname()[1]

    @property
    def heard(self) -> int:
        """Connections since it was asked last; the kernel has accepted them already."""
        count = 0
        with contextlib.suppress(BlockingIOError):
            while True:
                self._listener.accept()[0].close()
                count += 1
        return count

    def close(self) -> None:
        self._listener.close()


@contextlib.contextmanager
def serving(talk: Talk, tls: ssl.SSLContext | None = None) -> Iterator[int]:
    """The port of a server on 127.0.0.1 that meets every connection with `talk`."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def meet(connection: socket.socket) -> None:
            with contextlib.suppress(OSError), connection:
                if tls is not None:
                    with tls.wrap_socket(connection, server_side=True) as secured:
                        talk(secured, request_head(secured))
                else:
                    talk(connection, request_head(connection))

        def listen() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection = listener.accept()[0]
                    threading.Thread(target=meet, args=(connection,), daemon=True).start()

        threading.Thread(target=listen, daemon=True).start()
        try:
            yield listener.getsockname()[1]
        finally:
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)


def closed_port() -> int:
    """A port on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


@contextlib.contextmanager
def within(seconds: float) -> Iterator[None]:
    """Fails what takes longer."""
    start = time.monotonic()
    yield
    assert time.monotonic() - start < seconds


def request_head(connection: socket.socket) -> bytes:
    head = b""
    while b"\r\n\r\n" not in head:
        piece = connection.recv(65536)
        if not piece:
            break
        head += piece
    return head


def answering(body: bytes = b"", status: str = "200 OK", **headers: str) -> Talk:
    """A server that always says the same; `a_b=` becomes the header `a-b`."""
    named = {"content-length": str(len(body))}
    named |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = "".join(f"{name}: {value}\r\n" for name, value in named.items())
    message = f"HTTP/1.1 {status}\r\n{lines}\r\n".encode() + body
    return lambda connection, _: connection.sendall(message)


class Authority:
    """A certificate authority of our own, and what it signs."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _named("An authority of tests")
        self._certificate = self._signed(self._name, self._key, None, timedelta(days=1))

    def trusted(self) -> ssl.SSLContext:
        """What a client uses that trusts this authority alone."""
        return ssl.create_default_context(cadata=self.pem)

    @property
    def pem(self) -> str:
        """The authority's own certificate, as clients are told of it."""
        return self._certificate.public_bytes(serialization.Encoding.PEM).decode()

    def server(self, host: str, valid_for: timedelta = timedelta(days=1)) -> ssl.SSLContext:
        """What a server uses that shows a certificate for `host`."""
        key = ec.generate_private_key(ec.SECP256R1())
        file = self._folder / f"{host}.pem"
        file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
            + self._signed(_named(host), key, host, valid_for).public_bytes(
                serialization.Encoding.PEM
            )
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        return context

    def _signed(
        self,
        subject: x509.Name,
        key: ec.EllipticCurvePrivateKey,
        host: str | None,
        valid_for: timedelta,
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=2))
            .not_valid_after(now + valid_for)
            .add_extension(x509.BasicConstraints(ca=host is None, path_length=None), True)
        )
        if host is not None:
            names = x509.SubjectAlternativeName([x509.DNSName(host)])
            builder = builder.add_extension(names, False)
        return builder.sign(self._key, hashes.SHA256())


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
