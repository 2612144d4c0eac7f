"""The published schema: OpenAPI 3.1, drawn from the routes and the models of the contract."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel

from lyra_zoom.contract.problems import ProblemBody
from lyra_zoom.contract.queue import ErrorType, RequestProblem
from lyra_zoom.contract.storage import CompleteMultipart, InitiateUpload, Lifecycle
from lyra_zoom.contract.zoom import ENDPOINT_ID, Timings, VideoFile, ZoomInput, ZoomOutput

COMPONENT = "#/components/schemas/"

EXAMPLE_INPUT = {
    "image_url": "https://example.com/harbour.jpg",
    "prompt": "A harbour at dusk, frozen in time",
    "zoom_direction": "in",
    "num_frames": 81,
    "zoom_in_trajectory": "orbit_horizontal",
    "zoom_in_strength": 0.5,
    "resolution": "480p",
}
"""A request whose values besides the photograph and its description are the defaults."""

EXAMPLE_OUTPUT = ZoomOutput(
    video=VideoFile(
        url="https://zoom.example.com/cdn/files/b/3f6c/harbour.mp4",
        content_type="video/mp4",
        file_name="harbour.mp4",
        file_size=1_204_511,
        width=832,
        height=480,
        fps=16,
        duration=5.0625,
        num_frames=81,
    ),
    seed=478163327,
    timings=Timings(encode_s=0.81, zoom_in_s=2.27),
)

READ_AS_BYTES: tuple[type[BaseModel], ...] = (
    ZoomInput,
    InitiateUpload,
    CompleteMultipart,
    Lifecycle,
)
"""What routes read themselves, so that FastAPI does not know it."""

Answers = dict[int | str, dict[str, Any]]


class NotFound(BaseModel):
    """There is no such request, or it belongs to another key."""

    status: str = "NOT_FOUND"


class Refusal(BaseModel):
    """Why the server does not do what was asked."""

    detail: str
    error_type: ErrorType | None = None


REASONS: dict[int, str] = {
    200: "Done.",
    202: "Not over yet.",
    400: "A header or parameter cannot be used, or it is too early or too late for this.",
    401: "No valid API key.",
    404: "There is no such thing here.",
    408: "The body did not arrive in time.",
    413: "The body is too large.",
    415: "The body is not uncompressed JSON.",
    422: "The input cannot be used; every wrong field is listed.",
    429: "Too many requests wait, or too many invalid keys came from this address.",
    499: "The request was cancelled, or its sender hung up.",
    500: "A mistake of the server or of the worker.",
    503: "Not possible at the moment; try again after `Retry-After` seconds.",
    504: "The request did not start in the time it was given, or took too long.",
}

EVERYWHERE: dict[int, type[BaseModel]] = {
    401: Refusal,
    429: Refusal,
    500: RequestProblem,
    503: RequestProblem,
}
WITH_BODY: dict[int, type[BaseModel]] = {
    400: Refusal,
    408: Refusal,
    413: Refusal,
    415: Refusal,
    422: ProblemBody,
}
OF_RESULTS: dict[int, type[BaseModel]] = {
    422: ProblemBody,
    499: RequestProblem,
    504: RequestProblem,
}


def answers(
    by_status: dict[int, type[BaseModel]],
    *more: dict[int, type[BaseModel]],
    stream: bool = False,
) -> Answers:
    """Every answer that a route may give, for its place in the schema."""
    models = EVERYWHERE | by_status
    for group in more:
        models = group | models
    told: Answers = {
        status: {"model": model, "description": REASONS[status]}
        for status, model in sorted(models.items())
    }
    if stream:
        told[200] = {
            "description": "Events whose `data` is a QueueStatus each.",
            "content": {"text/event-stream": {}},  # OpenAPI 3.1 has no words for events
        }
    if ZoomOutput in models.values():
        told[200]["content"] = {
            "application/json": {"example": EXAMPLE_OUTPUT.model_dump(exclude_none=True)}
        }
    return told


def links_to(*operations: str) -> dict[str, Any]:
    """What can be asked next of the request that an answer is about."""
    its_id = {"request_id": "$response.body#/request_id"}
    return {name: {"operationId": name, "parameters": its_id} for name in operations}


def body_of(model: type[BaseModel], **about: object) -> dict[str, Any]:
    """A body that is read as bytes; `model` is one of those above."""
    return {"required": True, "content": _json_of(model, **about)}


def zoom_body() -> dict[str, Any]:
    """The body of a submit."""
    return body_of(ZoomInput, example=EXAMPLE_INPUT)


def parameters_of_submit() -> list[dict[str, Any]]:
    """Headers and parameters of a submit, which are read by hand: unusable ones answer 400."""
    number = {"type": "number", "exclusiveMinimum": 0.1, "maximum": 604800}
    return [
        text_header("X-Fal-Queue-Priority", "`low` waits behind everything that is not `low`."),
        _header("X-Fal-Request-Timeout", number, "Seconds within which work has to begin."),
        _header("X-Fal-Request-Start-Timeout", number, "The same; wins when both are sent."),
        text_header("X-Fal-No-Retry", "`1`: not tried again if a worker dies."),
        lifecycle_header("X-Fal-Object-Lifecycle-Preference", "How long the video is kept."),
        _header(
            "Idempotency-Key",
            {"type": "string", "minLength": 1, "maxLength": 255},
            "An extension: the same key again is answered with the first request.",
        ),
        _parameter(
            "fal_webhook", {"type": "string", "format": "uri"}, "Called when it is over."
        ),
        _parameter(
            "fal_max_queue_length",
            {"type": "integer", "minimum": 0, "maximum": 999_999_999},
            "Answer 429 when more than that many requests wait.",
        ),
    ]


def lifecycle_header(name: str, description: str) -> dict[str, Any]:
    """A header whose value is a Lifecycle as JSON."""
    content = _json_of(Lifecycle, example={"expiration_duration_seconds": 3600})
    return {"name": name, "in": "header", "content": content, "description": description}


def text_header(name: str, description: str) -> dict[str, Any]:
    """A header of free text."""
    return _header(name, {"type": "string"}, description)


def publish_schema(app: FastAPI) -> None:
    """Let the app answer `/openapi.json` with all of it."""

    def schema() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = draw_schema(app)
        return app.openapi_schema

    app.openapi = schema  # type: ignore[method-assign]  # FastAPI's documented way


def draw_schema(app: FastAPI) -> dict[str, Any]:
    """The routes as FastAPI sees them, with what it cannot know."""
    schema = get_openapi(
        title="lyra-zoom",
        version=version("lyra-zoom"),
        summary=f"{ENDPOINT_ID} on your own machine",
        description="One photograph in, a camera-controlled video out, over the API that fal's "
        "clients speak.",
        routes=app.routes,
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
    )
    components = schema["components"]["schemas"]
    for model in READ_AS_BYTES:
        given = model.model_json_schema(ref_template=COMPONENT + "{model}")
        components |= given.pop("$defs", {}) | {model.__name__: given}
    for name in ("HTTPValidationError", "ValidationError"):
        components.pop(name, None)
    for operations in schema["paths"].values():
        for operation in operations.values():
            _forget_what_fastapi_supposed(operation["responses"])
    return schema


def _forget_what_fastapi_supposed(responses: dict[str, Any]) -> None:
    """A 422 for every parameter, even for text that nothing refuses; JSON beside a stream."""
    if "HTTPValidationError" in str(responses.get("422", "")):
        del responses["422"]
    told = responses.get("200", {}).get("content", {})
    if "text/event-stream" in told:
        told.pop("application/json", None)


def _json_of(model: type[BaseModel], **about: object) -> dict[str, Any]:
    schema = {"$ref": f"{COMPONENT}{model.__name__}"}
    return {"application/json": {"schema": schema, **about}}


def _header(name: str, schema: dict[str, Any], description: str) -> dict[str, Any]:
    return {"name": name, "in": "header", "schema": schema, "description": description}


def _parameter(name: str, schema: dict[str, Any], description: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "schema": schema, "description": description}
