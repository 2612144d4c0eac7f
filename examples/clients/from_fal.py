"""A program as fal's documentation shows it: nothing here knows of your server."""

import sys

import fal_client


def on_queue_update(update: fal_client.Status) -> None:
    """Print what the work on the request says."""
    if isinstance(update, fal_client.InProgress):
        for log in update.logs or []:
            print(log["message"])


result = fal_client.subscribe(
    "fal-ai/lyra-2/zoom",
    arguments={
        "image_url": sys.argv[1],
        "prompt": "A slow orbit around a harbour at dusk. The scene is frozen in time.",
    },
    with_logs=True,
    on_queue_update=on_queue_update,
)
print(result)
