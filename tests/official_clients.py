"""What stories about fal's own clients share: where they point, and requests worth sending."""

from __future__ import annotations

import base64
import gc
import io
from collections.abc import Iterator
from contextlib import contextmanager

import av
import fal_client
import fal_client.client
import pytest

from lyra_zoom.geometry.image import Size
from tests.pictures import encoded, landscape
from tests.service import KEY, Service

ENDPOINT = "fal-ai/lyra-2/zoom"
PHOTOGRAPH = encoded(landscape(Size(640, 400)), "JPEG")


MAY_LEAVE_CONNECTIONS = pytest.mark.filterwarnings("ignore::ResourceWarning")
"""See `close_what_is_left`."""


def data_uri(content: bytes, content_type: str = "image/jpeg") -> str:
    return f"data:{content_type};base64,{base64.b64encode(content).decode()}"


ZOOM = {"image_url": data_uri(PHOTOGRAPH), "prompt": "hills at noon"}
LONG = ZOOM | {"num_frames": 481, "zoom_direction": "both", "resolution": "720p"}
"""A request that takes so long that it can be watched; cancel it."""

BROKEN = ZOOM | {"image_url": data_uri(PHOTOGRAPH[:400])}
"""A request that is refused as soon as it is worked on."""


def point_python_client_at(service: Service) -> None:
    """The recipe of the manual: every call, synchronous or not, goes to this server."""
    client = fal_client.client
    client.QUEUE_URL_FORMAT = f"{service.url}/queue/"
    client.RUN_URL_FORMAT = f"{service.url}/run/"
    client.REST_URL, client.CDN_URL = f"{service.url}/rest", f"{service.url}/cdn"


def python_client(service: Service) -> Iterator[fal_client.SyncClient]:
    """The synchronous client with a valid key for this server; the body of a fixture."""
    point_python_client_at(service)
    client = fal_client.SyncClient(key=KEY)
    yield client
    client._client.close()


def close_what_is_left() -> Iterator[None]:
    """The body of a fixture that runs around every test of a Python client.

    The client leaves it to chance when the connections of its uploads are closed; that is now,
    not during the test of somebody else.
    """
    yield
    gc.collect()


@contextmanager
def all_hands_busy(client: fal_client.SyncClient) -> Iterator[fal_client.SyncRequestHandle]:
    """The worker makes a long video until the end of the block; others wait behind it."""
    handle = client.submit(ENDPOINT, LONG)
    for status in handle.iter_events():
        assert not isinstance(status, fal_client.Completed), status
        if isinstance(status, fal_client.InProgress):
            break
    try:
        yield handle
    finally:
        if not isinstance(handle.status(), fal_client.Completed):
            handle.cancel()


def facts_of(film: bytes) -> dict[str, object]:
    """What a video file says of itself, under the names of the answer."""
    with av.open(io.BytesIO(film), "r") as container:
        stream = container.streams.video[0]
        frames = sum(1 for _ in container.decode(stream))
        assert stream.average_rate is not None
        return {
            "content_type": "video/mp4",
            "file_size": len(film),
            "width": stream.width,
            "height": stream.height,
            "fps": float(stream.average_rate),
            "duration": frames / float(stream.average_rate),
            "num_frames": frames,
        }
