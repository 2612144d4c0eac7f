from __future__ import annotations

import time

import httpx
import psutil
import pytest

from lyra_zoom.contract.storage import Acl, AclRule, Lifecycle
from lyra_zoom.server.ranges import OutOfRange, range_of
from lyra_zoom.storage.files import NewFile, StoredFile
from tests.server import RunningApi

JPEG = b"\xff\xd8\xff\xe0" + bytes(range(256)) * 4


@pytest.fixture(scope="module")
def photo(api: RunningApi) -> str:
    return keep(api, JPEG, "harbour.jpg", "image/jpeg")


def keep(
    api: RunningApi,
    data: bytes,
    name: str,
    content_type: str,
    lifecycle: Lifecycle | None = None,
) -> str:
    """The address of a file of the first key."""
    return address_of(api, kept(api, data, name, content_type, lifecycle))


def kept(
    api: RunningApi,
    data: bytes,
    name: str,
    content_type: str,
    lifecycle: Lifecycle | None = None,
) -> StoredFile:
    key_id = api.parts.keys.verify(api.key)
    assert key_id
    new = NewFile(key_id=key_id, file_name=name, content_type=content_type, lifecycle=lifecycle)
    return api.parts.files.keep(data, new, time.time())


def address_of(api: RunningApi, file: StoredFile) -> str:
    return api.parts.files.url_of(file, api.url)


def test_anybody_with_the_address_can_read_a_file(photo: str):
    answer = httpx.get(photo)
    assert answer.status_code == 200
    assert answer.content == JPEG
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.headers["content-length"] == str(len(JPEG))
    assert answer.headers["accept-ranges"] == "bytes"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "public, max-age=86400, immutable"


def test_a_page_of_any_origin_can_read_a_file(photo: str):
    answer = httpx.get(photo, headers={"Origin": "https://elsewhere.example"})
    assert answer.headers["access-control-allow-origin"] == "*"
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"


def test_a_head_says_the_same_without_the_bytes(photo: str):
    head, whole = httpx.head(photo), httpx.get(photo)
    assert head.content == b""
    assert {k: v for k, v in head.headers.items() if k != "date"} == {
        k: v for k, v in whole.headers.items() if k != "date"
    }


@pytest.mark.parametrize(
    ("asked", "start", "stop"),
    [
        ("bytes=0-", 0, len(JPEG)),
        ("bytes=0-0", 0, 1),
        ("bytes=10-19", 10, 20),
        ("bytes=100-999999", 100, len(JPEG)),
        ("bytes=-1", len(JPEG) - 1, len(JPEG)),
        ("bytes=-999999", 0, len(JPEG)),
    ],
)
def test_a_range_is_answered_with_those_bytes(photo: str, asked: str, start: int, stop: int):
    answer = httpx.get(photo, headers={"Range": asked})
    assert answer.status_code == 206
    assert answer.content == JPEG[start:stop]
    assert answer.headers["content-range"] == f"bytes {start}-{stop - 1}/{len(JPEG)}"


@pytest.mark.parametrize("asked", [f"bytes={len(JPEG)}-", "bytes=9999-10000", "bytes=-0"])
def test_a_range_beyond_the_end_is_not_there(photo: str, asked: str):
    answer = httpx.get(photo, headers={"Range": asked})
    assert answer.status_code == 416
    assert answer.headers["content-range"] == f"bytes */{len(JPEG)}"


@pytest.mark.parametrize(
    "asked",
    [
        "bytes=" + ",".join(f"{start}-" for start in range(1000)),
        "bytes=0-1,5-6",
        "bytes=5-2",
        "bytes=-",
        "bytes=a-b",
        "lines=1-2",
        "bytes=" + "9" * 400 + "-",
    ],
)
def test_many_ranges_and_nonsense_are_answered_with_the_whole_file(photo: str, asked: str):
    answer = httpx.get(photo, headers={"Range": asked})
    assert (answer.status_code, answer.content) == (200, JPEG)


def test_an_empty_file_has_no_ranges():
    assert range_of(None, 0) is None
    with pytest.raises(OutOfRange):
        range_of("bytes=0-", 0)


def test_an_empty_file_can_be_read(api: RunningApi):
    answer = httpx.get(keep(api, b"", "nothing", "text/plain"))
    assert (answer.status_code, answer.content) == (200, b"")


def test_a_file_that_the_client_has_is_not_sent_again(photo: str):
    etag = httpx.head(photo).headers["etag"]
    for known in (etag, f'"x", {etag}', f"W/{etag}", "*"):
        answer = httpx.get(photo, headers={"If-None-Match": known})
        assert (answer.status_code, answer.content) == (304, b"")
    assert httpx.get(photo, headers={"If-None-Match": '"x"'}).status_code == 200


def test_a_range_of_another_version_is_the_whole_file(photo: str):
    etag = httpx.head(photo).headers["etag"]
    fresh = httpx.get(photo, headers={"Range": "bytes=0-1", "If-Range": etag})
    stale = httpx.get(photo, headers={"Range": "bytes=0-1", "If-Range": '"other"'})
    assert (fresh.status_code, stale.status_code) == (206, 200)


@pytest.mark.parametrize("content_type", ["image/jpeg", "video/mp4", "application/json"])
def test_pictures_videos_and_json_are_shown_in_place(api: RunningApi, content_type: str):
    data = JPEG if content_type == "image/jpeg" else b"{}"
    answer = httpx.head(keep(api, data, "shown", content_type))
    assert answer.headers["content-type"] == content_type
    assert answer.headers["content-disposition"].startswith("inline")


@pytest.mark.parametrize(
    "content_type", ["text/html", "image/svg+xml", "application/xhtml+xml", "application/pdf"]
)
def test_what_could_run_a_script_is_a_download_in_a_sandbox(api: RunningApi, content_type: str):
    answer = httpx.get(keep(api, b"<script>alert(1)</script>", "a.html", content_type))
    assert answer.headers["content-disposition"].startswith("attachment")
    assert answer.headers["content-security-policy"].startswith("sandbox")
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_markup_that_calls_itself_an_image_is_a_download(api: RunningApi):
    answer = httpx.get(keep(api, b"<img onerror=alert(1)>", "a.png", "image/png"))
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"].startswith("attachment")


def test_a_name_cannot_break_out_of_its_header(api: RunningApi):
    name = 'a"; filename=evil.exe\r\nSet-Cookie: x=y\u202e<img onerror=1>ü.png'
    address = keep(api, JPEG, name, "image/jpeg")
    answer = httpx.get(address)
    assert answer.status_code == 200
    assert "set-cookie" not in answer.headers
    plain = answer.headers["content-disposition"].split('"')
    assert len(plain) == 3
    assert "filename*=UTF-8''a%22%3B" in answer.headers["content-disposition"]


def test_unknown_and_expired_files_are_not_there(api: RunningApi):
    lifecycle = Lifecycle.model_validate({"expiration_duration_seconds": 0.001})
    expired = keep(api, JPEG, "a.jpg", "image/jpeg", lifecycle)
    time.sleep(0.01)
    unknown = f"{api.url}/cdn/files/b/{'A' * 32}/a.jpg"
    answers = [httpx.get(expired), httpx.get(unknown), httpx.head(unknown)]
    assert [answer.status_code for answer in answers] == [404, 404, 404]
    assert answers[0].json() == answers[1].json()


def test_a_file_is_not_cached_longer_than_it_lives(api: RunningApi):
    lifecycle = Lifecycle.model_validate({"expiration_duration_seconds": 60})
    answer = httpx.head(keep(api, JPEG, "a.jpg", "image/jpeg", lifecycle))
    age = int(answer.headers["cache-control"].split("max-age=")[1].split(",")[0])
    assert 0 < age <= 60


@pytest.mark.parametrize(
    "path",
    [
        "../../lyra-zoom.sqlite",
        "%2e%2e/%2e%2e/lyra-zoom.sqlite",
        "..%2f..%2flyra-zoom.sqlite/x",
        "/etc/passwd",
        "%00/x",
        "'; DROP TABLE stored_file; --/x",
        f"{'a' * 10_000}/x",
    ],
)
def test_an_address_never_leaves_the_store(api: RunningApi, path: str):
    url = httpx.URL(api.url).copy_with(raw_path=f"/cdn/files/b/{path}".encode())
    assert httpx.get(url).status_code == 404


def test_who_may_read_a_hidden_file_is_known_by_key(api: RunningApi):
    acl = Acl(default="hide")
    lifecycle = Lifecycle(initial_acl=acl)
    address = keep(api, JPEG, "a.jpg", "image/jpeg", lifecycle)
    assert httpx.get(address).status_code == 404
    with api.client(api.new_key()) as other, api.client() as owner:
        assert other.get(address).status_code == 404
        owned = owner.get(address)
    assert owned.status_code == 200
    assert owned.headers["cache-control"] == "private, no-store"


def test_who_is_forbidden_is_told(api: RunningApi):
    key = api.new_key()
    other = str(api.parts.keys.verify(key))
    acl = Acl(rules=(AclRule(user=other, decision="forbid"),))
    address = keep(api, JPEG, "a.jpg", "image/jpeg", Lifecycle(initial_acl=acl))
    assert httpx.get(address, headers={"Authorization": f"Key {key}"}).status_code == 403
    assert httpx.get(address).status_code == 200


def test_a_wrong_key_reads_what_is_public(photo: str):
    assert httpx.get(photo, headers={"Authorization": "Key wrong"}).status_code == 200


def test_flipped_bytes_on_the_disk_are_never_a_success(api: RunningApi):
    file = kept(api, JPEG, "a.jpg", "image/jpeg")
    address = address_of(api, file)
    assert httpx.get(address).status_code == 200
    path = api.parts.settings.data / "objects" / file.object_key
    path.write_bytes(JPEG[:-1] + b"?")
    answer = httpx.get(address)
    assert answer.status_code == 500
    assert str(path) not in answer.text
    assert httpx.get(address, headers={"Range": "bytes=0-3"}).status_code == 500
    other = keep(api, JPEG, "b.jpg", "image/jpeg")
    assert httpx.get(other).status_code == 200


@pytest.mark.slow
def test_a_large_file_takes_little_memory(api: RunningApi):
    size = 300 * 2**20
    new = NewFile(key_id="x", file_name="large.bin")
    with api.parts.objects.landing() as landing:
        for _ in range(size // 2**20):
            landing.write(bytes(2**20))
        file = api.parts.files.keep_landed(landing, new, time.time())
    before, peak, received = psutil.Process().memory_info().rss, 0, 0
    with httpx.stream("GET", address_of(api, file)) as answer:
        for chunk in answer.iter_raw(2**20):
            received += len(chunk)
            peak = max(peak, psutil.Process().memory_info().rss)
    assert received == size
    assert peak - before < 60 * 2**20
