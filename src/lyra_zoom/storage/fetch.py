"""Whatever a user points at becomes bytes: an address, a data URI, a file, standard input.

Knows nothing of pictures. `fetch_remote` is what a server may use: it never touches local
files. Whether an address may be visited at all is the caller's `Visit` rule.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias
from urllib.parse import unquote_to_bytes

import httpx

from lyra_zoom.errors import InputRejected

FIELD = "image_url"

LARGEST_FILE_BYTES = 64 * 2**20
DEADLINE_S = 30.0
CONNECT_TIMEOUT_S = 10.0
MOST_REDIRECTS = 5
LONGEST_ADDRESS = 8192

Visit: TypeAlias = Callable[[httpx.URL], None]
"""Raises `InputRejected` for an address that must not be visited; asked before every hop."""


def anywhere(address: httpx.URL) -> None:
    """The rule of a person at their own machine: every http(s) address may be visited."""


def fetch_any(where: str, may_visit: Visit = anywhere) -> bytes:
    """The bytes a person at the command line names: a file, `-`, an address or a data URI."""
    if where == "-":
        return _limited(sys.stdin.buffer.read(LARGEST_FILE_BYTES + 1))
    if re.match(r"(https?:|data:)", where, re.IGNORECASE):
        return fetch_remote(where, may_visit)
    return _read_file(where)


def fetch_remote(
    where: str, may_visit: Visit = anywhere, deadline_s: float = DEADLINE_S
) -> bytes:
    """The bytes behind an http(s) address or a data URI; any other scheme is refused."""
    if where[:5].lower() == "data:":
        return _limited(_decode_data_uri(where))
    return _download(where, may_visit, deadline_s)


def _read_file(where: str) -> bytes:
    try:
        with Path(where).expanduser().open("rb") as file:
            return _limited(file.read(LARGEST_FILE_BYTES + 1))
    except (OSError, ValueError, RuntimeError) as error:
        reason = (getattr(error, "strerror", None) or "not a file name").lower()
        raise InputRejected(
            FIELD,
            f"cannot read {_shown(where)}: {reason}; allowed are a file, -, http(s), data:",
            "file_download_error",
        ) from error


def _decode_data_uri(uri: str) -> bytes:
    """RFC 2397, kindly: no media type is believed, padding and white space may be wrong."""
    header, comma, payload = uri.partition(",")
    if not comma:
        raise InputRejected(FIELD, "the data URI has no comma", "image_load_error")
    if not header.rstrip().lower().endswith(";base64"):
        return unquote_to_bytes(payload)
    try:
        text = re.sub(rb"\s", b"", unquote_to_bytes(payload)).rstrip(b"=")
        text = text.translate(bytes.maketrans(b"-_", b"+/"))
        return base64.b64decode(text + b"=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError) as error:
        raise InputRejected(
            FIELD, "the data URI is not valid base64", "image_load_error"
        ) from error


def _download(where: str, may_visit: Visit, deadline_s: float) -> bytes:
    """The body behind an address, within the deadline, the redirects and the size allowed."""
    address = _parsed(where)
    try:
        return asyncio.run(_download_in_time(address, may_visit, deadline_s))
    except TimeoutError as error:
        raise _failed(f"no complete answer within {deadline_s:g} s") from error
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError) as error:
        raise _failed(_shown(str(error) or type(error).__name__)) from error


async def _download_in_time(address: httpx.URL, may_visit: Visit, deadline_s: float) -> bytes:
    """Asynchronous only because a cancelled task is a deadline no drip of bytes outlives."""
    async with (
        asyncio.timeout(deadline_s),
        httpx.AsyncClient(
            trust_env=False,  # a proxy of the operator is not for addresses of users
            timeout=httpx.Timeout(deadline_s, connect=CONNECT_TIMEOUT_S),
            headers={"user-agent": "lyra-zoom", "accept-encoding": "identity"},
        ) as client,
    ):
        for _ in range(MOST_REDIRECTS + 1):
            _check_scheme(address)
            may_visit(address)
            request = client.build_request("GET", _without_credentials(address))
            response = await client.send(request, stream=True)
            try:
                if response.next_request is None:
                    return await _body(response)
                address = response.next_request.url
            finally:
                await response.aclose()
    raise _failed(f"more than {MOST_REDIRECTS} redirects")


async def _body(response: httpx.Response) -> bytes:
    """The decoded body; counts while it reads, whatever the headers promise."""
    if response.status_code != httpx.codes.OK:
        raise _failed(f"the server answered {response.status_code}", response.status_code)
    if int(response.headers.get("content-length") or 0) > LARGEST_FILE_BYTES:
        raise _too_large()
    body = bytearray()
    async for piece in response.aiter_bytes():
        body += piece
        if len(body) > LARGEST_FILE_BYTES:
            raise _too_large()
    return bytes(body)


def _parsed(where: str) -> httpx.URL:
    if len(where) > LONGEST_ADDRESS:
        raise _failed(f"the address is longer than {LONGEST_ADDRESS} characters")
    try:
        address = httpx.URL(where)
    except (httpx.InvalidURL, ValueError) as error:
        raise _failed(f"{_shown(where)} is not an address") from error
    _check_scheme(address)
    return address


def _check_scheme(address: httpx.URL) -> None:
    if address.scheme not in ("http", "https") or not address.host:
        raise _failed(
            f"{_shown(str(_without_credentials(address)))} is not allowed; "
            "allowed are http and https addresses and data URIs"
        )


def _without_credentials(address: httpx.URL) -> httpx.URL:
    """The address without user and password: they are neither sent on nor shown."""
    return address.copy_with(userinfo=b"")


def _limited(data: bytes) -> bytes:
    if len(data) > LARGEST_FILE_BYTES:
        raise _too_large()
    return data


def _too_large() -> InputRejected:
    limit = f"{LARGEST_FILE_BYTES // 2**20} MiB"
    return InputRejected(
        FIELD,
        f"the image file is larger than {limit}",
        "file_too_large",
        {"max_size": LARGEST_FILE_BYTES},
    )


def _failed(reason: str, status_code: int | None = None) -> InputRejected:
    context = {} if status_code is None else {"status_code": status_code}
    return InputRejected(
        FIELD, f"cannot fetch the image: {reason}", "file_download_error", context
    )


def _shown(text: str, limit: int = 120) -> str:
    """Text from outside, on one line, without control characters, not endless."""
    printable = "".join(c if c.isprintable() else "?" for c in text)
    return printable if len(printable) <= limit else printable[: limit - 1] + "…"
