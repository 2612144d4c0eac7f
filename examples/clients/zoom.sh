#!/bin/sh
# Submits a photograph, waits for the video and downloads it as zoom.mp4; needs only curl.
set -eu
here=${LYRA_ZOOM_URL:-http://127.0.0.1:8000}
key="Authorization: Key $FAL_KEY"

# A JSON file: a photograph does not fit on a command line.
printf '{"prompt": "a harbour at dusk", "image_url": "data:image/jpeg;base64,%s"}' \
    "$(base64 < photo.jpg | tr -d '\n')" > request.json
answer=$(curl --silent --show-error --fail-with-body -H "$key" -H 'Content-Type: application/json' \
    --data-binary @request.json "$here/queue/fal-ai/lyra-2/zoom")
field() { sed -E "s/.*\"$1\": *\"([^\"]*)\".*/\1/"; }

# The status is answered with 202 until the request is over.
status_url=$(echo "$answer" | field status_url)
while [ "$(curl --silent --output /dev/null --write-out '%{http_code}' -H "$key" "$status_url")" = 202 ]; do
    sleep 0.5
done

result=$(curl --silent --show-error --fail-with-body -H "$key" "$(echo "$answer" | field response_url)")
curl --silent --show-error --fail --output zoom.mp4 "$(echo "$result" | field url)"
ls -l zoom.mp4
