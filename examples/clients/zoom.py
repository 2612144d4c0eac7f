"""Makes a video of photo.jpg with the official client, on a server of your own."""

import os

import fal_client
import fal_client.client as client

here = os.environ.get("LYRA_ZOOM_URL", "http://127.0.0.1:8000")
client.QUEUE_URL_FORMAT, client.RUN_URL_FORMAT = f"{here}/queue/", f"{here}/run/"
client.REST_URL, client.CDN_URL = f"{here}/rest", f"{here}/cdn"


def show(status: fal_client.Status) -> None:
    """Print how far the request is."""
    if isinstance(status, fal_client.Queued):
        print("waiting behind", status.position)
    elif isinstance(status, fal_client.InProgress) and status.logs:
        print(status.logs[-1]["message"])


result = fal_client.subscribe(  # the key is read from FAL_KEY
    "fal-ai/lyra-2/zoom",
    arguments={
        "image_url": fal_client.upload_file("photo.jpg"),
        "prompt": "a harbour at dusk",
    },
    with_logs=True,
    on_queue_update=show,
)
print(result["video"]["url"])
