"""A page about the API for people, drawn from the schema: no script, nothing from elsewhere."""

from __future__ import annotations

import json
from collections.abc import Sequence
from html import escape
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import HTMLResponse, Response

router = APIRouter(tags=["documents"])

POLICY = (
    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)

STYLE = """\
:root { color-scheme: light dark; }
body { font: 16px/1.55 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto;
  padding: 0 1rem; }
code, pre { font: 14px/1.5 ui-monospace, monospace; }
pre { padding: .8rem; overflow-x: auto; border: 1px solid #8886; border-radius: 6px; }
table { border-collapse: collapse; width: 100%; display: block; overflow-x: auto; }
th, td { text-align: left; vertical-align: top; padding: .35rem .7rem .35rem 0;
  border-top: 1px solid #8884; }
h2 { margin-top: 2.5rem; } h3 { margin-top: 1.6rem; }
.method { font-weight: 700; text-transform: uppercase; margin-right: .6rem; }
"""

PAGE = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="stylesheet" href="/docs/style.css">
<h1>{title} <small>{version}</small></h1>
<p>{summary}. Calls need the header <code>Authorization: Key &lt;key&gt;</code>, unless they say
otherwise.</p>
<p><a href="/openapi.json">openapi.json</a> · <a href="{card}">llms.txt</a></p>
{operations}
<h2>Objects</h2>
{objects}
</html>
"""

CARD = "/models/fal-ai/lyra-2/zoom/llms.txt"


@router.api_route("/docs", methods=["GET", "HEAD"], include_in_schema=False)
async def docs(request: Request) -> Response:
    """All routes and objects on one page."""
    app: FastAPI = request.app
    return HTMLResponse(page_of(app.openapi()), headers={"content-security-policy": POLICY})


@router.api_route("/docs/style.css", methods=["GET", "HEAD"], include_in_schema=False)
async def style() -> Response:
    """How that page looks."""
    return Response(STYLE, media_type="text/css", headers={"cache-control": "max-age=3600"})


def page_of(schema: dict[str, Any]) -> str:
    """The page about an OpenAPI schema."""
    info = schema["info"]
    operations = [
        _operation(path, method, operation)
        for path, methods in schema["paths"].items()
        for method, operation in methods.items()
    ]
    objects = [
        _object(name, model) for name, model in sorted(schema["components"]["schemas"].items())
    ]
    return PAGE.format(
        title=escape(info["title"]),
        version=escape(info["version"]),
        summary=escape(info.get("summary", "")),
        card=CARD,
        operations="\n".join(operations),
        objects="\n".join(objects),
    )


def _operation(path: str, method: str, operation: dict[str, Any]) -> str:
    rows = [
        (
            f"<code>{escape(entry['name'])}</code>",
            entry["in"],
            escape(entry.get("description", "")),
        )
        for entry in operation.get("parameters", ())
    ]
    answers = [
        (status, _named(answer), escape(answer.get("description", "")))
        for status, answer in operation["responses"].items()
    ]
    return (
        f"<h2>{escape(operation.get('summary', path))}</h2>"
        f"<p><span class=method>{method}</span><code>{escape(path)}</code></p>"
        f"<p>{escape(operation.get('description', ''))}</p>"
        f"{_body(operation)}"
        f"{_table(('parameter', 'in', ''), rows)}"
        f"{_table(('answer', 'object', ''), answers)}"
    )


def _body(operation: dict[str, Any]) -> str:
    content = operation.get("requestBody", {}).get("content", {})
    written = []
    for media in content.values():
        if "example" in media:
            example = escape(json.dumps(media["example"], indent=2))
            written.append(f"<p>Body: {_type(media['schema'])}</p><pre>{example}</pre>")
    return "".join(written)


def _object(name: str, model: dict[str, Any]) -> str:
    required = model.get("required", ())
    rows = [
        (
            f"<code>{escape(field)}</code>{' *' if field in required else ''}",
            _type(about),
            _range(about) + escape(about.get("description", "")),
        )
        for field, about in model.get("properties", {}).items()
    ]
    choices = ", ".join(f"<code>{escape(str(value))}</code>" for value in model.get("enum", ()))
    return (
        f'<h3 id="{escape(name)}">{escape(name)}</h3>'
        f"<p>{escape(model.get('description', ''))}</p>"
        f"<p>{choices}</p>{_table(('field', 'type', ''), rows)}"
    )


def _type(about: dict[str, Any]) -> str:
    if "$ref" in about:
        name = escape(about["$ref"].rsplit("/", 1)[-1])
        return f'<a href="#{name}">{name}</a>'
    options = about.get("anyOf") or about.get("oneOf")
    if options:
        return " or ".join(_type(option) for option in options)
    if about.get("type") == "array":
        return f"list of {_type(about.get('items', {}))}"
    if "enum" in about:
        return ", ".join(f"<code>{escape(str(value))}</code>" for value in about["enum"])
    return escape(str(about.get("type", "anything")))


def _range(about: dict[str, Any]) -> str:
    words = []
    if "minimum" in about or "maximum" in about:
        words.append(f"{about.get('minimum', '…')} to {about.get('maximum', '…')}")
    if "default" in about:
        words.append(f"default <code>{escape(json.dumps(about['default']))}</code>")
    return f"({', '.join(words)}) " if words else ""


def _named(answer: dict[str, Any]) -> str:
    schemas = [media.get("schema", {}) for media in answer.get("content", {}).values()]
    return ", ".join(_type(schema) for schema in schemas)


def _table(heads: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    if not rows:
        return ""
    head = "".join(f"<th>{escape(text)}</th>" for text in heads)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table><tr>{head}</tr>{body}</table>"
