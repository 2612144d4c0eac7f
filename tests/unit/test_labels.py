from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lyra_zoom.storage.labels import (
    LONGEST_NAME_BYTES,
    clean_name,
    clean_type,
    is_shown_in_place,
    type_of,
)


@pytest.mark.parametrize(
    ("given_name", "kept"),
    [
        ("harbour.jpg", "harbour.jpg"),
        ("my holiday, day 1.jpg", "my holiday, day 1.jpg"),
        ("../../etc/passwd", "passwd"),
        ("C:\\photos\\cat.png", "cat.png"),
        ("a\0b\nc\r.png", "abc.png"),
        ("invoice\u202egpj.exe", "invoicegpj.exe"),
        ("🌅 über.webp", "🌅 über.webp"),
        ("..", "file"),
        ("", "file"),
        ("   ", "file"),
        ("\ud800.png", "png"),
        ("/", "file"),
    ],
)
def test_a_name_keeps_what_is_harmless(given_name: str, kept: str):
    assert clean_name(given_name) == kept


def test_a_long_name_keeps_its_extension():
    name = clean_name("ü" * 1000 + ".jpeg")
    assert len(name.encode()) <= LONGEST_NAME_BYTES
    assert name.endswith("ü.jpeg")


@given(st.text())
def test_every_name_is_safe_in_a_path_and_in_a_header(text: str):
    name = clean_name(text)
    assert name.isprintable()
    assert not {"/", "\\"} & set(name)
    assert name not in ("", ".", "..")
    assert clean_name(name) == name
    name.encode()


@pytest.mark.parametrize(
    ("declared", "kept"),
    [
        ("image/png", "image/png"),
        ("Text/Plain; Charset=UTF-8", "text/plain; charset=utf-8"),
        ("video/mp4; codecs=avc1", "video/mp4"),
        ("text/html\r\nSet-Cookie: a=b", "application/octet-stream"),
        ("nonsense", "application/octet-stream"),
        ("", "application/octet-stream"),
        (None, "application/octet-stream"),
        ("a/" + "b" * 200, "application/octet-stream"),
    ],
)
def test_a_declared_type_is_only_a_type(declared: str | None, kept: str):
    assert clean_type(declared) == kept


def test_the_bytes_decide_what_is_an_image():
    assert type_of("text/html", b"\x89PNG\r\n\x1a\n rest") == "image/png"
    assert type_of(None, b"\xff\xd8\xff\xe0 rest") == "image/jpeg"
    assert type_of("image/png", b"<html>") == "application/octet-stream"
    assert type_of("text/plain", b"<html>") == "text/plain"


@pytest.mark.parametrize(
    "content_type", ["text/html", "image/svg+xml", "application/pdf", "text/xml", "text/css"]
)
def test_what_could_run_a_script_is_never_shown_in_place(content_type: str):
    assert not is_shown_in_place(content_type)
