"""What a file is called and what it says it is: free text from outside, made harmless.

Nothing here touches a disk; a name never becomes part of a path.
"""

from __future__ import annotations

import re
import unicodedata
from pathlib import PurePosixPath

ANY_BYTES = "application/octet-stream"
LONGEST_NAME_BYTES = 200

SHOWN_IN_PLACE = frozenset(
    (
        "application/json",
        "audio/aac",
        "audio/mpeg",
        "audio/ogg",
        "audio/wav",
        "image/avif",
        "image/bmp",
        "image/gif",
        "image/heic",
        "image/jpeg",
        "image/png",
        "image/tiff",
        "image/webp",
        "text/plain",
        "video/mp4",
        "video/quicktime",
        "video/webm",
    )
)
"""Types a browser may show under our address; none of them can run a script there."""

_TYPE = re.compile(r"([a-z0-9][a-z0-9!#$&^_.+-]*/[a-z0-9][a-z0-9!#$&^_.+-]*)(;.*)?", re.DOTALL)
_CHARSET = re.compile(r";\s*charset=\"?([A-Za-z0-9_.-]{1,40})\"?\s*(;|$)")
_LONGEST_TYPE = 127

_BEGINNINGS = (
    (re.compile(rb"\x89PNG\r\n\x1a\n"), "image/png"),
    (re.compile(rb"\xff\xd8\xff"), "image/jpeg"),
    (re.compile(rb"GIF8[79]a"), "image/gif"),
    (re.compile(rb"RIFF....WEBP", re.DOTALL), "image/webp"),
    (re.compile(rb"(II\*\x00|MM\x00\*)"), "image/tiff"),
    (re.compile(rb"BM....\x00\x00\x00\x00", re.DOTALL), "image/bmp"),
    (re.compile(rb"....ftypavi[fs]", re.DOTALL), "image/avif"),
    (re.compile(rb"....ftyp(heic|heix|mif1|msf1)", re.DOTALL), "image/heic"),
    (re.compile(rb"....ftyp(isom|iso2|mp4|avc1|M4V)", re.DOTALL), "video/mp4"),
)


def clean_name(text: str) -> str:
    """A name that is safe in a header, in a path and on a screen; `file` where none is left.

    Folders, control characters and marks that turn the reading direction are taken out; a long
    name keeps its extension.
    """
    last = re.split(r"[/\\]", unicodedata.normalize("NFC", text))[-1]
    kept = "".join(c for c in last if unicodedata.category(c)[0] not in "CZ" or c == " ")
    return _shortened(kept.strip(" .")) or "file"


def clean_type(declared: str | None) -> str:
    """`type/subtype` in lower case, with the charset of a text; else "any bytes"."""
    match = _TYPE.fullmatch((declared or "").strip().lower())
    if match is None or len(match[1]) > _LONGEST_TYPE:
        return ANY_BYTES
    charset = _CHARSET.search(match[2] or "") if match[1].startswith("text/") else None
    return f"{match[1]}; charset={charset[1]}" if charset else match[1]


def type_of(declared: str | None, head: bytes) -> str:
    """What a file is: by its first bytes where those tell, else what was declared.

    Bytes that tell nothing are never called an image.
    """
    for beginning, media_type in _BEGINNINGS:
        if beginning.match(head):
            return media_type
    cleaned = clean_type(declared)
    return ANY_BYTES if cleaned in _SNIFFED else cleaned


def is_shown_in_place(content_type: str) -> bool:
    """Whether a browser may show it; anything else is a download."""
    return content_type.partition(";")[0] in SHOWN_IN_PLACE


_SNIFFED = frozenset(kind for _, kind in _BEGINNINGS if kind.startswith("image/"))


def _shortened(name: str) -> str:
    if len(name.encode()) <= LONGEST_NAME_BYTES:
        return name
    suffix = PurePosixPath(name).suffix
    suffix = suffix if len(suffix.encode()) <= 20 else ""
    stem = name.encode()[: LONGEST_NAME_BYTES - len(suffix.encode())].decode(errors="ignore")
    return stem.rstrip(" .") + suffix
