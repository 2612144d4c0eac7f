#!/bin/sh
# Submits a photograph, waits for the video and downloads it as zoom.mp4; needs only curl.
set -eu
here=${LYRA_ZOOM_URL:-http://127.0.0.1:8000}
key="Authorization: Key $FAL_KEY"

# Asks the server and keeps its answer; where that is a refusal, or there is none, says so.
ask() {
    answer=$(curl --silent --show-error --fail-with-body -H "$key" "$@") || {
        printf '%s\n' "$answer" >&2
        exit 1
    }
}
field() { printf '%s' "$answer" | sed -E "s/.*\"$1\": *\"([^\"]*)\".*/\1/"; }

# A JSON file: a photograph does not fit on a command line.
printf '{"prompt": "a harbour at dusk", "image_url": "data:image/jpeg;base64,%s"}' \
    "$(base64 < photo.jpg | tr -d '\n')" > request.json
ask -H 'Content-Type: application/json' --data-binary @request.json "$here/queue/fal-ai/lyra-2/zoom"
request=$(field response_url)
echo "waiting for $request"

until [ "$(field status)" = COMPLETED ]; do
    sleep 0.5
    ask "$request/status"
done

ask "$request"
curl --silent --show-error --fail --output zoom.mp4 "$(field url)"
ls -l zoom.mp4
