"""The body of an answer, decoded and counted piece by piece, whatever its headers promise.

Only gzip and deflate are decoded, by a decoder that stops at the limit: other decoders swell
one small piece to any size before anybody can count.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from lyra_zoom.errors import AddressUnreachable
from lyra_zoom.storage.outbound import Answer

EITHER_HEADER = zlib.MAX_WBITS | 32
"""Tells zlib to read gzip and deflate alike."""


class BodyTooLarge(Exception):
    """More bytes than the limit, promised or decoded."""


def read_body(answer: Answer, limit: int) -> bytes:
    """The whole body, of at most `limit` decoded bytes, or `BodyTooLarge`."""
    promised = answer.headers.get("content-length", "")
    if promised.isdecimal() and int(promised) > limit:
        raise BodyTooLarge
    encoding = answer.headers.get("content-encoding", "identity").strip().lower()
    body = bytearray()
    for piece in _decoded(answer.pieces, encoding or "identity", limit + 1):
        body += piece
        if len(body) > limit:
            raise BodyTooLarge
    return bytes(body)


def _decoded(pieces: Iterator[bytes], encoding: str, most: int) -> Iterator[bytes]:
    """The pieces as they were before compression; none is longer than `most`."""
    if encoding == "identity":
        yield from pieces
        return
    if encoding not in ("gzip", "x-gzip", "deflate"):
        raise AddressUnreachable("the server compressed the answer in a way not asked for")
    decoder = zlib.decompressobj(EITHER_HEADER)
    try:
        for piece in pieces:
            yield decoder.decompress(piece, most)
    except zlib.error as error:
        raise AddressUnreachable("the compression of the answer is broken") from error
    if not decoder.eof:
        raise AddressUnreachable("the compressed answer ends early")
