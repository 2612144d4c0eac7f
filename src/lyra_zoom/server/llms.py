"""The model card that language models read, drawn from the schema like fal's own."""

from __future__ import annotations

import functools
import json
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import PlainTextResponse, Response
from pydantic import BaseModel

from lyra_zoom.contract.problems import allowed_values
from lyra_zoom.contract.zoom import ENDPOINT_ID, Timings, VideoFile, ZoomInput, ZoomOutput
from lyra_zoom.server.base_url import base_url
from lyra_zoom.server.parts import parts_of
from lyra_zoom.server.schema import EXAMPLE_INPUT, EXAMPLE_OUTPUT

router = APIRouter(tags=["documents"])

CARD = """\
# {endpoint}

> One photograph and a prompt in, a video in which the camera moves through the scene out.

- Endpoint: `{base}/run/{endpoint}` (waits for the video)
- Queue: `{base}/queue/{endpoint}` (answers at once)
- Endpoint id: `{endpoint}`
- Schema: `{base}/openapi.json`

Every call needs `Authorization: Key <key>`.

## Input

{inputs}

Example:

```json
{example_input}
```

## Output

{outputs}

Example:

```json
{example_output}
```

## curl

```sh
curl -X POST {base}/run/{endpoint} \\
  -H "Authorization: Key $FAL_KEY" -H "Content-Type: application/json" \\
  -d '{example_line}'
```

Without waiting: `POST {base}/queue/{endpoint}` answers with
`status_url`, `response_url` and `cancel_url`. The status is `IN_QUEUE`, `IN_PROGRESS` or
`COMPLETED`; after that `GET` of `response_url` is the output.

## Python

```python
import fal_client
import fal_client.client as client

client.QUEUE_URL_FORMAT, client.RUN_URL_FORMAT = "{base}/queue/", "{base}/run/"
client.REST_URL, client.CDN_URL = "{base}/rest", "{base}/cdn"

result = fal_client.subscribe("{endpoint}", arguments={example_python})
print(result["video"]["url"])
```

## JavaScript

```js
import {{ fal }} from "@fal-ai/client";

fal.config({{
  credentials: process.env.FAL_KEY,
  proxyUrl: {{ url: "{base}/api/fal/proxy", when: "always" }},
}});

const {{ data }} = await fal.subscribe("{endpoint}", {{ input: {example_line} }});
console.log(data.video.url);
```
"""


PARTS: dict[str, type[BaseModel]] = {"video": VideoFile, "timings": Timings}
"""Objects inside the output."""


@router.api_route(
    f"/models/{ENDPOINT_ID}/llms.txt", methods=["GET", "HEAD"], include_in_schema=False
)
async def llms_txt(request: Request) -> Response:
    """Fields, defaults, ranges and examples, as text."""
    return PlainTextResponse(model_card(base_url(request, parts_of(request).settings)))


@functools.lru_cache(maxsize=16)
def model_card(base: str) -> str:
    """The card of a server that is reached under this address."""
    output = EXAMPLE_OUTPUT.model_dump(mode="json", exclude_none=True)
    return CARD.format(
        endpoint=ENDPOINT_ID,
        base=base,
        inputs="\n".join(_input_lines()),
        outputs="\n".join(_output_lines()),
        example_input=json.dumps(EXAMPLE_INPUT, indent=2),
        example_output=json.dumps(output, indent=2),
        example_line=json.dumps(EXAMPLE_INPUT),
        example_python=repr(EXAMPLE_INPUT),
    )


def _input_lines() -> list[str]:
    required = [_input_line(name) for name in _names(ZoomInput, required=True)]
    return required + [_input_line(name) for name in _names(ZoomInput, required=False)]


def _input_line(name: str) -> str:
    field = ZoomInput.model_fields[name]
    need = "required" if field.is_required() else f"default: {_default(field.default)}"
    extra: Any = field.json_schema_extra
    ours = "; an extension of this server" if extra else ""
    return f"- **`{name}`** ({allowed_values(name)}; {need}{ours}): {field.description}"


def _output_lines() -> list[str]:
    lines = []
    for name, field in ZoomOutput.model_fields.items():
        lines.append(f"- **`{name}`**: {field.description}")
        inner = PARTS.get(name)
        for key, value in inner.model_fields.items() if inner else ():
            lines.append(f"  - **`{name}.{key}`**: {value.description}")
    return lines


def _names(model: type[BaseModel], *, required: bool) -> list[str]:
    fields = model.model_fields.items()
    return [name for name, field in fields if field.is_required() is required]


def _default(value: object) -> str:
    return "random" if value is None else f"`{json.dumps(value)}`"
