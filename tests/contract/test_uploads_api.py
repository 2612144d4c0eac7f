from __future__ import annotations

import http.client
import json
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import psutil
import pytest
import sqlalchemy as sa

from lyra_zoom.database import tables
from lyra_zoom.storage.files import NewFile
from lyra_zoom.storage.uploads import MOST_OPEN, OPEN_FOR_S
from tests.server import RunningApi, running_api

INITIATE = "/rest/storage/upload/initiate?storage_type=fal-cdn-v3"
INITIATE_MULTIPART = "/rest/storage/upload/initiate-multipart?storage_type=fal-cdn-v3"
PHOTO = {"content_type": "image/jpeg", "file_name": "my photo.jpg"}
JPEG = b"\xff\xd8\xff\xe0 and so on"


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningApi]:
    """A server whose files may have one MB."""
    with running_api(tmp_path_factory.mktemp("small"), max_upload_mb=1) as running:
        yield running


@pytest.fixture
def token(client: httpx.Client) -> dict[str, str]:
    """The header of an uploader."""
    told = client.post("/rest/storage/auth/token").json()
    return {"Authorization": f"Bearer {told['token']}"}


@pytest.fixture
def begun(client: httpx.Client, token: dict[str, str]) -> str:
    """Where the parts of a file go."""
    made = client.post("/cdn/files/upload/multipart", headers=token).json()
    return f"{made['access_url']}/multipart/{made['uploadId']}"


def initiated(client: httpx.Client, path: str = INITIATE, **more: str) -> dict[str, str]:
    answer = client.post(path, json=PHOTO, headers=more)
    assert answer.status_code == 200
    return dict(answer.json())


def leftovers(api: RunningApi) -> list[Path]:
    """Scratch files that nobody is writing any more, and nobody removed."""
    return list((api.parts.settings.data / "objects" / ".incoming").glob("*"))


def test_an_upload_begins_with_two_addresses(client: httpx.Client, api: RunningApi):
    told = initiated(client)
    assert set(told) == {"upload_url", "file_url"}
    assert told["upload_url"].startswith(f"{api.url}/cdn/uploads/")
    assert told["file_url"].startswith(f"{api.url}/cdn/files/b/")
    assert told["file_url"].endswith("/my%20photo.jpg")


def test_the_upload_address_needs_no_key(client: httpx.Client):
    told = initiated(client)
    put = httpx.put(told["upload_url"], content=JPEG, headers={"Content-Type": "image/jpeg"})
    assert put.status_code == 200
    read = httpx.get(told["file_url"])
    assert (read.content, read.headers["content-type"]) == (JPEG, "image/jpeg")


def test_a_key_that_comes_along_does_no_harm(client: httpx.Client):
    told = initiated(client, "/rest/storage/upload/initiate?storage_type=gcs")
    assert client.put(told["upload_url"], content=JPEG).status_code == 200


def test_nothing_is_there_before_the_bytes(client: httpx.Client):
    assert httpx.get(initiated(client)["file_url"]).status_code == 404


@pytest.mark.parametrize("path", [INITIATE, INITIATE_MULTIPART, "/rest/storage/auth/token"])
def test_to_begin_an_upload_needs_a_key(api: RunningApi, path: str):
    answer = httpx.post(f"{api.url}{path}", json=PHOTO)
    assert (answer.status_code, answer.json()["detail"]) == (401, "invalid key credentials")


@pytest.mark.parametrize("path", [INITIATE, INITIATE_MULTIPART])
def test_without_a_key_no_body_is_even_read(api: RunningApi, path: str):
    stranger = http.client.HTTPConnection(api.url.removeprefix("http://"), timeout=5)
    stranger.putrequest("POST", path)
    stranger.putheader("Content-Type", "application/json")
    stranger.putheader("Content-Length", str(2**20))
    stranger.endheaders()
    assert stranger.getresponse().status == 401
    stranger.close()


@pytest.mark.parametrize(("body", "kind"), [(b"rubbish", "json_invalid"), (b"[]", "dict_type")])
def test_a_file_is_described_by_a_json_object(client: httpx.Client, body: bytes, kind: str):
    headers = {"Content-Type": "application/json"}
    answer = client.post(INITIATE, content=body, headers=headers)
    assert (answer.status_code, answer.json()["detail"][0]["type"]) == (422, kind)


def test_a_lifetime_is_kept(client: httpx.Client):
    lifetime = json.dumps({"expiration_duration_seconds": 0.2})
    told = initiated(client, **{"X-Fal-Object-Lifecycle": lifetime})
    httpx.put(told["upload_url"], content=JPEG)
    time.sleep(0.25)
    assert httpx.get(told["file_url"]).status_code == 404


def test_a_lifetime_that_makes_no_sense_is_refused(client: httpx.Client):
    for text in ("nonsense", '{"expiration_duration_seconds": -1}', "[]"):
        answer = client.post(INITIATE, json=PHOTO, headers={"X-Fal-Object-Lifecycle": text})
        assert answer.status_code == 400


@pytest.mark.parametrize(
    "name", ["../../x", "/etc/passwd", "C:\\CON", "a\0b", "x" * 4000, "..", "", "a\r\nb: c"]
)
def test_a_strange_name_stays_inside_the_store(
    client: httpx.Client, api: RunningApi, name: str
):
    told = client.post(INITIATE, json={**PHOTO, "file_name": name}).json()
    httpx.put(told["upload_url"], content=JPEG)
    read = httpx.get(told["file_url"])
    assert (read.status_code, read.content) == (200, JPEG)
    outside = [path.name for path in api.parts.settings.data.parent.glob("x")]
    assert outside == []


def test_a_second_file_at_one_address_is_refused(client: httpx.Client):
    told = initiated(client)
    again = [httpx.put(told["upload_url"], content=data) for data in (JPEG, JPEG, b"other")]
    assert [answer.status_code for answer in again] == [200, 200, 409]
    assert httpx.get(told["file_url"]).content == JPEG


def test_an_unknown_upload_is_not_there(api: RunningApi):
    assert httpx.put(f"{api.url}/cdn/uploads/{'a' * 43}", content=JPEG).status_code == 404


def test_an_old_upload_is_gone(api: RunningApi, client: httpx.Client):
    long_ago = time.time() - OPEN_FOR_S - 1
    old = api.parts.uploads.open(NewFile(key_id="x", file_name="a"), long_ago)
    assert httpx.put(f"{api.url}/cdn/uploads/{old.upload_id}", content=JPEG).status_code == 410


def test_a_file_that_is_too_large_is_refused_before_it_comes(small: RunningApi):
    with small.client() as client:
        told = initiated(client)
        address = urlsplit(told["upload_url"])
        with socket.create_connection((address.hostname, address.port), timeout=5) as line:
            head = f"PUT {address.path} HTTP/1.1\r\nHost: x\r\nContent-Length: 2000000\r\n\r\n"
            line.sendall(head.encode())
            assert line.recv(100).startswith(b"HTTP/1.1 413")
    assert leftovers(small) == []


def test_a_file_that_grows_too_large_is_refused_on_the_way(small: RunningApi):
    def endless() -> Iterator[bytes]:
        for _ in range(30):
            yield bytes(100_000)

    with small.client() as client:
        told = initiated(client)
        assert client.put(told["upload_url"], content=endless()).status_code == 413
        assert client.get(told["file_url"]).status_code == 404
    assert leftovers(small) == []


def test_an_upload_that_breaks_off_leaves_nothing(api: RunningApi, client: httpx.Client):
    told = initiated(client)
    address = urlsplit(told["upload_url"])
    with socket.create_connection((address.hostname, address.port), timeout=5) as line:
        head = f"PUT {address.path} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n"
        line.sendall(head.encode() + b"only this")
        time.sleep(0.1)
    for _ in range(50):
        if not leftovers(api):
            break
        time.sleep(0.1)
    assert leftovers(api) == []
    assert httpx.get(told["file_url"]).status_code == 404
    assert httpx.put(told["upload_url"], content=JPEG).status_code == 200


def test_parts_without_a_key_answer_with_number_and_etag(client: httpx.Client):
    told = initiated(client, INITIATE_MULTIPART)
    parts = []
    for number, data in ((1, b"first "), (2, b"second")):
        answer = httpx.put(f"{told['upload_url']}/{number}", content=data)
        assert answer.headers["content-type"] == "application/json"
        parts.append(answer.json())
    assert [set(part) for part in parts] == [{"partNumber", "etag"}] * 2
    done = httpx.post(f"{told['upload_url']}/complete", json={"parts": parts})
    assert done.status_code == 200
    assert httpx.get(told["file_url"]).content == b"first second"


def test_a_token_tells_where_and_until_when(client: httpx.Client, api: RunningApi):
    told = client.post("/rest/storage/auth/token?storage_type=fal-cdn-v3", json={}).json()
    assert (told["token_type"], told["base_url"]) == ("Bearer", f"{api.url}/cdn")
    assert told["expires_at"].endswith("+00:00")
    left = datetime.fromisoformat(told["expires_at"]) - datetime.now().astimezone()
    assert timedelta(minutes=55) < left <= timedelta(hours=1)


def test_a_token_uploads_a_file(client: httpx.Client, token: dict[str, str]):
    headers = token | {"Content-Type": "image/jpeg", "X-Fal-File-Name": "harbour.jpg"}
    url = client.post("/cdn/files/upload", content=JPEG, headers=headers).json()["access_url"]
    assert url.endswith("/harbour.jpg")
    assert httpx.get(url).content == JPEG


def test_a_key_uploads_a_file_as_well(client: httpx.Client):
    url = client.post("/cdn/files/upload", content=JPEG).json()["access_url"]
    assert httpx.get(url).headers["content-type"] == "image/jpeg"


@pytest.mark.parametrize("authorization", ["Bearer nonsense", "Bearer", "Key wrong", ""])
def test_without_permission_nothing_goes_up(api: RunningApi, authorization: str):
    for path in ("/cdn/files/upload", "/cdn/files/upload/multipart"):
        answer = httpx.post(
            api.url + path, content=JPEG, headers={"Authorization": authorization}
        )
        assert answer.status_code == 401


def test_parts_in_any_order_with_quoted_etags_become_the_file(
    client: httpx.Client, token: dict[str, str], begun: str
):
    etags = {
        number: client.put(f"{begun}/{number}", content=b"%d" % number, headers=token).headers[
            "etag"
        ]
        for number in (3, 1, 2)
    }
    parts = [{"partNumber": number, "etag": etag} for number, etag in etags.items()]
    done = client.post(f"{begun}/complete", json={"parts": parts}, headers=token)
    assert done.status_code == 200
    assert httpx.get(begun.split("/multipart/")[0]).content == b"123"


def test_another_keys_upload_is_not_there(api: RunningApi, begun: str):
    with api.client(api.new_key()) as other:
        assert other.put(f"{begun}/1", content=b"x").status_code == 404
        parts = {"parts": [{"partNumber": 1, "etag": "x"}]}
        assert other.post(f"{begun}/complete", json=parts).status_code == 404


def test_an_upload_under_another_files_address_is_not_there(client: httpx.Client, begun: str):
    _, _, upload_id = begun.rpartition("/")
    elsewhere = f"/cdn/files/b/{'A' * 32}/x/multipart/{upload_id}/1"
    assert client.put(elsewhere, content=b"x").status_code == 404


@pytest.mark.parametrize("number", ["0", "10001", "-1"])
def test_a_part_number_out_of_bounds_is_refused(client: httpx.Client, begun: str, number: str):
    assert client.put(f"{begun}/{number}", content=b"x").status_code == 400


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"nonsense",
        b"[]",
        b'{"parts": []}',
        b'{"parts": [{"partNumber": 0, "etag": "x"}]}',
        b'{"parts": [{"partNumber": 10001, "etag": "x"}]}',
        b'{"parts": [{"partNumber": 1, "etag": "wrong"}]}',
        b'{"parts": [{"partNumber": 2, "etag": "never uploaded"}]}',
    ],
)
def test_a_list_of_parts_that_is_wrong_is_refused(
    client: httpx.Client, begun: str, body: bytes
):
    client.put(f"{begun}/1", content=b"x")
    assert client.post(f"{begun}/complete", content=body).status_code == 400


def test_an_endless_list_of_parts_is_not_read(api: RunningApi, client: httpx.Client):
    told = initiated(client, INITIATE_MULTIPART)
    answer = httpx.post(f"{told['upload_url']}/complete", content=b" " * 3 * 2**20)
    assert answer.status_code == 413


def test_so_many_uploads_may_be_open(small: RunningApi):
    key = small.new_key()
    with small.client(key) as client:
        new = NewFile(key_id=str(small.parts.keys.verify(key)), file_name="a")
        opened = asdict(small.parts.uploads.open(new, time.time()))
        more = [
            opened | {"upload_id": f"u{number}", "file_id": f"f{number}"}
            for number in range(MOST_OPEN - 1)
        ]
        with small.parts.engine.begin() as connection:
            connection.execute(sa.insert(tables.upload), more)
        answer = client.post(INITIATE, json=PHOTO)
        assert answer.status_code == 429
        assert "unfinished" in answer.json()["detail"]


def test_many_uploads_at_once_all_arrive(api: RunningApi, client: httpx.Client):
    told = [initiated(client) for _ in range(40)]
    statuses: list[int] = []

    def put(url: str) -> None:
        statuses.append(client.put(url, content=JPEG * 1000, timeout=30).status_code)

    threads = [threading.Thread(target=put, args=(each["upload_url"],)) for each in told]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert statuses == [200] * 40
    assert leftovers(api) == []


@pytest.mark.slow
def test_a_large_upload_takes_little_memory(client: httpx.Client):
    size, process = 300 * 2**20, psutil.Process()
    peaks = [process.memory_info().rss]

    def bytes_of_it() -> Iterator[bytes]:
        for _ in range(size // 2**20):
            peaks.append(process.memory_info().rss)
            yield bytes(2**20)

    told = initiated(client)
    assert client.put(told["upload_url"], content=bytes_of_it(), timeout=60).status_code == 200
    assert client.head(told["file_url"]).headers["content-length"] == str(size)
    assert max(peaks) - peaks[0] < 60 * 2**20


def test_a_page_of_another_origin_may_upload(api: RunningApi, client: httpx.Client):
    told = initiated(client)
    asked = {
        "Origin": "https://page.example",
        "Access-Control-Request-Method": "PUT",
        "Access-Control-Request-Headers": "content-type",
    }
    assert httpx.options(told["upload_url"], headers=asked).status_code == 200
    put = httpx.put(
        told["upload_url"], content=JPEG, headers={"Origin": "https://page.example"}
    )
    assert put.headers["access-control-allow-origin"] == "*"
