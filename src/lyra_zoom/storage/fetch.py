"""Whatever a user points at becomes bytes: an address, a data URI, a file, standard input.

Knows nothing of pictures. `fetch_remote` is what a server uses: it never touches local files,
and goes only where its policy admits.
"""

from __future__ import annotations

import base64
import binascii
import re
import sys
from pathlib import Path
from urllib.parse import unquote_to_bytes

from lyra_zoom.errors import AddressUnreachable, InputRejected
from lyra_zoom.storage.body import BodyTooLarge, read_body
from lyra_zoom.storage.outbound import Answer, open_answer
from lyra_zoom.storage.pinned import Deadline, OutboundPolicy
from lyra_zoom.storage.public_address import Address, parse_address

FIELD = "image_url"

LARGEST_FILE_BYTES = 64 * 2**20
DEADLINE_S = 30.0
MOST_REDIRECTS = 5
REDIRECTS = frozenset((301, 302, 303, 307, 308))

OWN_MACHINE = OutboundPolicy(allow_private=True)
"""The rule of a person at their own machine."""


def fetch_any(where: str) -> bytes:
    """The bytes a person at the command line names: a file, `-`, an address or a data URI."""
    if where == "-":
        return _limited(sys.stdin.buffer.read(LARGEST_FILE_BYTES + 1), LARGEST_FILE_BYTES)
    if re.match(r"(https?:|data:)", where, re.IGNORECASE):
        return fetch_remote(where, policy=OWN_MACHINE)
    return _read_file(where)


def fetch_remote(
    where: str,
    *,
    policy: OutboundPolicy,
    deadline_s: float = DEADLINE_S,
    limit: int = LARGEST_FILE_BYTES,
) -> bytes:
    """The bytes behind an http(s) address or a data URI; any other scheme is refused.

    `deadline_s` is for everything together, redirects included; `limit` counts decoded bytes.
    """
    if _is_data_uri(where):
        return _limited(_decode_data_uri(where), limit)
    return _download(
        parse_address(where, policy.field_name), policy, Deadline(deadline_s), limit
    )


def _is_data_uri(where: str) -> bool:
    return where[:5].lower() == "data:"


def _read_file(where: str) -> bytes:
    try:
        with Path(where).expanduser().open("rb") as file:
            return _limited(file.read(LARGEST_FILE_BYTES + 1), LARGEST_FILE_BYTES)
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


def _download(
    address: Address, policy: OutboundPolicy, deadline: Deadline, limit: int
) -> bytes:
    """The body behind an address, at most five redirects away; every hop is judged anew."""
    asking = {"accept": "*/*", "accept-encoding": "identity"}
    try:
        for _ in range(MOST_REDIRECTS + 1):
            with open_answer(address, policy, deadline, asking) as answer:
                location = answer.headers.get("location")
                if location is None or answer.status_code not in REDIRECTS:
                    return _body(answer, limit)
                address = address.redirected(location, policy.field_name)
    except AddressUnreachable as error:
        raise _failed(str(error)) from error
    raise _failed(f"more than {MOST_REDIRECTS} redirects")


def _body(answer: Answer, limit: int) -> bytes:
    if answer.status_code != 200:
        raise _failed(f"the server answered {answer.status_code}", answer.status_code)
    try:
        return read_body(answer, limit)
    except BodyTooLarge as error:
        raise _too_large(limit) from error


def _limited(data: bytes, limit: int) -> bytes:
    if len(data) > limit:
        raise _too_large(limit)
    return data


def _too_large(limit: int) -> InputRejected:
    return InputRejected(
        FIELD,
        f"the image file is larger than {limit / 2**20:g} MiB",
        "file_too_large",
        {"max_size": limit},
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
