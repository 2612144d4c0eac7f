"""Points fal's client at your own server: `import here`, or `python here.py program.py`."""

import os
import runpy
import sys

import fal_client.client as client

url = os.environ.get("LYRA_ZOOM_URL", "http://127.0.0.1:8000")
client.QUEUE_URL_FORMAT, client.RUN_URL_FORMAT = f"{url}/queue/", f"{url}/run/"
client.REST_URL, client.CDN_URL = f"{url}/rest", f"{url}/cdn"

if __name__ == "__main__":
    del sys.argv[0]
    runpy.run_path(sys.argv[0], run_name="__main__")
