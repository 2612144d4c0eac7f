"""What a refused request looks like: fal's validation body, and one line for a person."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError
from pydantic_core import ErrorDetails

from lyra_zoom.contract.zoom import ZoomInput
from lyra_zoom.errors import InputRejected

ERROR_REFERENCE = "https://docs.fal.ai/errors"
"""Where fal's clients expect a `type` to be explained; the type is the fragment."""

LONGEST_ECHO = 200
"""Characters of a refused value that are sent back; a data URI would fill the answer."""


class Problem(BaseModel):
    """One thing wrong with one field."""

    model_config = ConfigDict(frozen=True)

    loc: tuple[str | int, ...]
    msg: str
    type: str
    url: str
    ctx: dict[str, JsonValue] | None = None
    input: JsonValue = None


class ProblemBody(BaseModel):
    """The body of an answer 422."""

    model_config = ConfigDict(frozen=True)

    detail: tuple[Problem, ...]

    def to_wire(self) -> dict[str, JsonValue]:
        """The JSON object clients receive; `ctx` and `input` are absent when there are none."""
        wire: dict[str, JsonValue] = self.model_dump(mode="json", exclude_unset=True)
        return wire


def body_of_validation(error: ValidationError) -> ProblemBody:
    """Every refused field of a request, as fal's clients read it."""
    return ProblemBody(detail=tuple(_problem(entry) for entry in error.errors()))


def body_of_rejection(rejected: InputRejected) -> ProblemBody:
    """A field that only turned out to be unusable when it was used."""
    context = {name: _echo(value) for name, value in rejected.context.items()}
    problem = Problem(
        loc=("body", rejected.field_name),
        msg=rejected.message,
        type=rejected.kind,
        url=f"{ERROR_REFERENCE}#{rejected.kind}",
        **({"ctx": context} if context else {}),
    )
    return ProblemBody(detail=(problem,))


def rejection_of(error: ValidationError) -> InputRejected:
    """All refused fields in one sentence: what was given and what is allowed."""
    first, *others = error.errors()
    also = "".join(f"; {_field_name(entry)}: {_sentence(entry)}" for entry in others)
    return InputRejected(_field_name(first), _sentence(first) + also, kind=first["type"])


def allowed_values(field_name: str) -> str:
    """What a field of the request accepts, in words: "0 to 2", "one of in, out, both"."""
    schema = ZoomInput.model_json_schema()
    entry = schema["properties"].get(field_name, {})
    if "$ref" in entry:
        entry = entry | schema["$defs"][entry["$ref"].rsplit("/", 1)[-1]]
    for option in entry.get("anyOf", ()):
        entry = option | entry if option.get("type") != "null" else entry
    if "enum" in entry:
        return f"one of {', '.join(str(value) for value in entry['enum'])}"
    kind = {"integer": "a whole number", "number": "a number", "boolean": "true or false"}
    words = kind.get(
        entry.get("type", ""), "text, not empty" if "minLength" in entry else "text"
    )
    if "minimum" in entry:
        return f"{words} from {entry['minimum']:g} to {_bound(entry['maximum'])}"
    return (
        f"{words} of at most {entry['maxLength']} characters" if "maxLength" in entry else words
    )


def _bound(value: float) -> str:
    return f"{value:g}" if value < 1e6 else str(value)


def _field_name(entry: ErrorDetails) -> str:
    return str(entry["loc"][0]) if entry["loc"] else "body"


def _sentence(entry: ErrorDetails) -> str:
    name = _field_name(entry)
    if entry["type"] == "missing":
        return "is required"
    if name not in ZoomInput.model_fields:
        return entry["msg"]
    return f"{_short(repr(entry['input']), 40)} is not {allowed_values(name)}"


def _problem(entry: ErrorDetails) -> Problem:
    fields: dict[str, JsonValue] = {"input": _echo(entry["input"])}
    if entry.get("ctx"):
        fields["ctx"] = {name: _echo(value) for name, value in entry["ctx"].items()}
    return Problem(
        loc=("body", *entry["loc"]),
        msg=entry["msg"],
        type=entry["type"],
        url=f"{ERROR_REFERENCE}#{entry['type']}",
        **fields,  # type: ignore[arg-type]  # pydantic checks them
    )


def _echo(value: object) -> JsonValue:
    """A refused value, safe to send back: no NaN, no lone surrogates, never a whole image."""
    if isinstance(value, dict):
        return {_short(str(name)): _echo(item) for name, item in _first(value.items())}
    if isinstance(value, list | tuple):
        return [_echo(item) for item in _first(value)]
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int) and abs(value) < 2**63:
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    return _short(str(value))


def _first(items: Iterable[Any], limit: int = 32) -> list[Any]:
    return [item for item, _ in zip(items, range(limit), strict=False)]


def _short(text: str, limit: int = LONGEST_ECHO) -> str:
    printable = text.encode("utf-8", "backslashreplace").decode()
    return printable if len(printable) <= limit else printable[: limit - 1] + "…"
