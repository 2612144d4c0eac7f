"""The published schema: complete, true, and readable by people and by language models."""

from __future__ import annotations

import httpx
import pytest

from lyra_zoom.contract.zoom import ZoomInput, ZoomOutput
from tests.server import INPUT, OUTPUT, RUN, SUBMIT

REQUEST = "/queue/fal-ai/lyra-2/requests/{request_id}"
CARD = "/models/fal-ai/lyra-2/zoom/llms.txt"


@pytest.fixture(scope="module")
def schema(api):
    return httpx.get(f"{api.url}/openapi.json").json()


def test_it_is_openapi_3_1(schema):
    assert schema["openapi"].startswith("3.1.")


@pytest.mark.parametrize(
    ("path", "method", "statuses"),
    [
        (SUBMIT, "post", {200, 400, 401, 408, 413, 415, 422, 429, 500, 503}),
        (RUN, "post", {200, 400, 401, 408, 413, 415, 422, 429, 499, 500, 503, 504}),
        (f"{REQUEST}/status", "get", {200, 202, 401, 404, 429, 500, 503}),
        (f"{REQUEST}/status/stream", "get", {200, 401, 404, 429, 500, 503}),
        (REQUEST, "get", {200, 400, 401, 404, 422, 429, 499, 500, 503, 504}),
        (f"{REQUEST}/cancel", "put", {202, 400, 401, 404, 429, 500, 503}),
    ],
)
def test_every_answer_is_announced(schema, path, method, statuses):
    operation = schema["paths"][path][method]
    assert {int(status) for status in operation["responses"]} == statuses
    assert operation["security"] == [{"Key": []}]


@pytest.mark.parametrize("path", [SUBMIT, RUN])
def test_the_body_is_the_contracts_input_with_an_example_it_accepts(schema, path):
    body = schema["paths"][path]["post"]["requestBody"]["content"]["application/json"]
    assert body["schema"] == {"$ref": "#/components/schemas/ZoomInput"}
    ZoomInput.model_validate(body["example"])
    fields = schema["components"]["schemas"]["ZoomInput"]["properties"]
    assert set(fields) == set(ZoomInput.model_fields)


def test_the_result_is_the_contracts_output_with_an_example(schema):
    answer = schema["paths"][REQUEST]["get"]["responses"]["200"]["content"]
    assert answer["application/json"]["schema"]["$ref"].endswith("/ZoomOutput")
    ZoomOutput.model_validate(answer["application/json"]["example"])


def test_a_stream_is_announced_as_one_and_its_refusals_as_json(schema):
    told = schema["paths"][f"{REQUEST}/status/stream"]["get"]["responses"]
    assert list(told["200"]["content"]) == ["text/event-stream"]
    assert list(told["401"]["content"]) == ["application/json"]


def test_every_reference_leads_somewhere(schema):
    names = set(schema["components"]["schemas"])
    assert {ref.rpartition("/")[2] for ref in references(schema)} <= names


def references(node):
    if isinstance(node, dict):
        for name, value in node.items():
            yield from [value] if name == "$ref" else references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def test_the_page_for_people_needs_nothing_from_elsewhere(api):
    answer = httpx.get(f"{api.url}/docs")
    assert answer.headers["content-type"].startswith("text/html")
    assert "<script" not in answer.text
    assert "//" not in answer.text.replace("https://example.com", "")
    assert "script-src" not in answer.headers["content-security-policy"]
    for path in (SUBMIT, RUN, f"{REQUEST}/cancel"):
        assert path in answer.text


@pytest.mark.parametrize("name", ZoomInput.model_fields)
def test_the_card_for_language_models_has_every_field(api, name):
    assert f"**`{name}`**" in httpx.get(api.url + CARD).text


def test_the_cards_addresses_are_this_servers(api):
    card = httpx.get(api.url + CARD)
    assert card.headers["content-type"].startswith("text/plain")
    assert f"{api.url}{RUN}" in card.text


def test_real_answers_are_as_announced(api, client, schema):
    request_id = client.post(SUBMIT, json=INPUT).json()["request_id"]
    fields = schema["components"]["schemas"]["QueueStatus"]["properties"]
    assert set(client.get(f"/queue/fal-ai/lyra-2/requests/{request_id}/status").json()) <= set(
        fields
    )
    api.begin(request_id)
    api.end(request_id)
    assert client.get(f"/queue/fal-ai/lyra-2/requests/{request_id}").json() == OUTPUT
