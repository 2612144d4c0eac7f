"""A server must prove its name; nothing falls back to less."""

from __future__ import annotations

import ssl
import warnings
from datetime import timedelta

import pytest

from lyra_zoom.errors import InputRejected
from lyra_zoom.storage.fetch import fetch_remote
from lyra_zoom.storage.pinned import OutboundPolicy
from tests.internet import Authority, SmallInternet, answering, serving

PUBLIC = "93.184.216.34"
PHOTO = b"the bytes of a photograph"


@pytest.fixture
def internet() -> SmallInternet:
    internet = SmallInternet()
    internet.names["photos.example"] = [PUBLIC]
    return internet


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


def secured(
    internet: SmallInternet, tls: ssl.SSLContext, trusted: ssl.SSLContext | None
) -> bytes:
    if trusted is not None:
        internet.certificates = lambda: trusted
    with serving(answering(PHOTO), tls) as port:
        internet.routes[PUBLIC] = port
        policy = OutboundPolicy(network=internet.network)
        return fetch_remote("https://photos.example/a", policy=policy, deadline_s=5)


def refusal(
    internet: SmallInternet, tls: ssl.SSLContext, trusted: ssl.SSLContext | None
) -> str:
    with pytest.raises(InputRejected) as refused:
        secured(internet, tls, trusted)
    assert refused.value.kind == "file_download_error"
    assert not any(word in str(refused.value) for word in ("127.0.0.1", "SSL:", ".c:"))
    return refused.value.message


def test_the_certificate_is_of_the_name_although_the_number_is_dialled(internet, authority):
    asked: list[str | None] = []
    tls = authority.server("photos.example")
    tls.sni_callback = lambda _, name, __: asked.append(name)
    assert secured(internet, tls, authority.trusted()) == PHOTO
    assert asked == ["photos.example"]


def test_an_expired_certificate_is_not_accepted(internet, authority):
    tls = authority.server("photos.example", timedelta(days=-1))
    assert "has expired" in refusal(internet, tls, authority.trusted())


def test_the_certificate_of_another_name_is_not_accepted(internet, authority):
    tls = authority.server("other.example")
    assert "mismatch" in refusal(internet, tls, authority.trusted())


def test_an_unknown_authority_is_not_accepted(internet, authority):
    tls = authority.server("photos.example")
    assert "certificate" in refusal(internet, tls, trusted=None)


def test_tls_1_0_is_not_spoken(internet, authority):
    tls = authority.server("photos.example")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        tls.minimum_version = tls.maximum_version = ssl.TLSVersion.TLSv1
    tls.set_ciphers("ALL:@SECLEVEL=0")
    assert "secure connection" in refusal(internet, tls, authority.trusted())


def test_a_server_without_tls_is_not_spoken_to_in_the_clear(internet):
    policy = OutboundPolicy(network=internet.network)
    with serving(answering(PHOTO)) as port:
        internet.routes[PUBLIC] = port
        with pytest.raises(InputRejected):
            fetch_remote("https://photos.example/a", policy=policy, deadline_s=1)
