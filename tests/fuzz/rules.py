"""What holds for every answer of the server, whatever it was asked; schemathesis loads this."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from typing import Any

import schemathesis

KNOWN = "LYRA_ZOOM_FUZZ_KNOWN"
"""The variable with ids of things that are there, as JSON: no chance would find one."""

LONGEST_ANSWER_S = 5.0

SECRETS = re.compile(
    r"Traceback|/work\b|/tmp/|/home/|/usr/|/root/|site-packages|\b\w+\.py\b|sqlalchemy|SELECT "
)
"""What tells of the inside: traces, folders of this machine, names of modules, SQL."""

OF_A_REQUEST = re.compile(r"/queue/fal-ai/lyra-2(/zoom)?/requests/[0-9a-f-]{36}(/\w+)*")


def breach_of(
    status: int, headers: Mapping[str, str], body: bytes, elapsed_s: float, sent: str = ""
) -> str | None:
    """Which rule an answer breaks, in words; `sent` is what it may echo."""
    if status >= 500 and not _is_announced(status, headers):
        return f"status {status}"
    if elapsed_s > LONGEST_ANSWER_S:
        return f"it took {elapsed_s:.1f} s"
    return breach_of_body(headers.get("content-type", ""), body, sent)


def breach_of_body(content_type: str, body: bytes, sent: str = "") -> str | None:
    """The same, looking at the body alone."""
    text = body.decode("utf-8", "replace")
    told = SECRETS.search(text)
    if told and told[0] not in sent and "html" not in content_type:
        return f"the body tells {told[0]!r}"
    return _why_not_json(text) if "json" in content_type else None


def _is_announced(status: int, headers: Mapping[str, str]) -> bool:
    """504 is the promised answer when nobody began in the time that the sender gave."""
    return status == 504 and headers.get("x-fal-request-timeout-type") == "user"


def _why_not_json(text: str) -> str | None:
    try:
        json.loads(text, parse_constant=_refuse)
    except ValueError as error:
        return f"the body is not JSON: {error}"
    return None


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


@schemathesis.check
def answers_keep_the_rules(ctx: Any, response: Any, case: Any) -> None:
    """Everything above, and the id of the request wherever an answer belongs to one."""
    headers = {name.lower(): values[0] for name, values in response.headers.items()}
    breach = breach_of(
        response.status_code,
        headers,
        response.content,
        response.elapsed,
        sent=f"{response.request.url} {response.request.headers} {response.request.body!r}",
    )
    assert breach is None, breach
    path = response.request.path_url.partition("?")[0]
    if response.status_code < 300 and (OF_A_REQUEST.fullmatch(path) or path.endswith("/zoom")):
        assert "x-fal-request-id" in headers, "the answer does not name its request"


@schemathesis.hook
def map_path_parameters(ctx: Any, path_parameters: dict[str, Any]) -> dict[str, Any]:
    """Every other made-up id becomes one that exists."""
    known: dict[str, str] = json.loads(os.environ.get(KNOWN, "{}"))
    for name, value in (path_parameters or {}).items():
        if name in known and len(str(value)) % 2:
            path_parameters[name] = known[name]
    return path_parameters
