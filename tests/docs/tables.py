"""Tables of fields, settings and errors, drawn from the code that defines them."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from pathlib import Path

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

import lyra_zoom
from lyra_zoom import errors
from lyra_zoom.contract.problems import allowed_values
from lyra_zoom.contract.queue import ERROR_STATUS
from lyra_zoom.contract.zoom import Timings, VideoFile, ZoomInput, ZoomOutput
from lyra_zoom.settings import PREFIX, Settings

SOURCE = Path(lyra_zoom.__file__).parent
WRONG_VALUES: tuple[object, ...] = ("nonsense", "", -1, 1e12, 0.5, math.nan, [], "x" * 20_000)


def field_table() -> str:
    """Every input field: meaning, what is allowed, default."""
    rows = [
        (f"`{name}`", field.description or "", _allowed(name), _default(field))
        for name, field in ZoomInput.model_fields.items()
    ]
    return _table(("field", "meaning", "allowed", "default"), rows)


def output_table() -> str:
    """Every field of the answer."""
    rows: list[tuple[str, ...]] = []
    for prefix, model in (("", ZoomOutput), ("video.", VideoFile), ("timings.", Timings)):
        rows += _answer_rows(prefix, model)
    return _table(("field", "meaning"), rows)


def settings_table() -> str:
    """Every environment variable that `Settings` reads, from its docstring."""
    meanings = dict(re.findall(r"^\s*`(\w+)`: (.+?)$", Settings.__doc__ or "", re.MULTILINE))
    rows = [
        (f"`{PREFIX}{field.name.upper()}`", meanings[field.name].strip())
        for field in dataclasses.fields(Settings)
    ]
    return _table(("variable", "meaning"), rows)


def error_table() -> str:
    """Every error the program raises on purpose."""
    rows = [(f"`{name}`", first_line(kind)) for name, kind in raised_errors()]
    return _table(("error", "meaning"), rows)


def error_type_table() -> str:
    """Every `error_type` of the API with its status."""
    rows = [(f"`{kind}`", str(status)) for kind, status in ERROR_STATUS.items()]
    return _table(("error_type", "status"), rows)


def kind_table() -> str:
    """Every `type` a refused field can have, with what is said to the person."""
    rows = [(f"`{kind}`", " · ".join(sorted(messages))) for kind, messages in kinds().items()]
    return _table(("kind", "when"), rows)


def raised_errors() -> list[tuple[str, type[Exception]]]:
    """Name and class of our own errors, without their common base."""
    found = inspect.getmembers(errors, inspect.isclass)
    return [
        (name, kind)
        for name, kind in found
        if issubclass(kind, errors.LyraZoomError) and kind is not errors.LyraZoomError
    ]


def kinds() -> dict[str, set[str]]:
    """What can be wrong with a field: by the contract, and by what the code raises."""
    found: dict[str, set[str]] = {}
    for name in ZoomInput.model_fields:
        for kind in _contract_kinds(name):
            found.setdefault(kind, set()).add(f"`{name}`")
    found.setdefault("missing", set()).add("a required field is absent")
    for file in sorted(SOURCE.rglob("*.py")):
        for kind, message in _raised_kinds(ast.parse(file.read_text())):
            found.setdefault(kind, set()).add(message)
    return dict(sorted(found.items()))


def first_line(thing: object) -> str:
    """The first sentence of a docstring."""
    return (inspect.getdoc(thing) or "").splitlines()[0]


def _contract_kinds(name: str) -> Iterator[str]:
    """The kinds that some wrong value of this field is refused with."""
    for value in WRONG_VALUES:
        body = {"image_url": "x", "prompt": "x", name: value}
        try:
            ZoomInput.model_validate(body)
        except ValidationError as error:
            yield from (entry["type"] for entry in error.errors())


def _raised_kinds(module: ast.Module) -> Iterator[tuple[str, str]]:
    for node in ast.walk(module):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "InputRejected":
            named = [word.value for word in node.keywords if word.arg == "kind"]
            kind = (named or node.args[2:3] or [ast.Constant("value_error")])[0]
            if isinstance(kind, ast.Constant):
                yield str(kind.value), _spoken(node.args[1])


def _spoken(message: ast.expr) -> str:
    """The text of a message; what is filled in at run time becomes an ellipsis."""
    parts = message.values if isinstance(message, ast.JoinedStr) else [message]
    words = (str(part.value) if isinstance(part, ast.Constant) else "…" for part in parts)
    return "".join(words)


def _answer_rows(prefix: str, model: type[BaseModel]) -> list[tuple[str, ...]]:
    return [
        (f"`{prefix}{name}`", field.description or "")
        for name, field in model.model_fields.items()
    ]


def _allowed(name: str) -> str:
    if name == "image_url":
        return "see [inputs](inputs.md)"
    return allowed_values(name)


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.default.value if isinstance(field.default, StrEnum) else field.default
    return "random" if value is None else f"`{str(value).lower()}`"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [" | ".join(head), " | ".join("---" for _ in head)]
    lines += [" | ".join(cell.replace("|", "\\|") for cell in row) for row in rows]
    return "\n".join(f"| {line} |" for line in lines)
