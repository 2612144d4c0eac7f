"""What a request may say: the published defaults, spellings and ranges."""

from __future__ import annotations

import math
from enum import StrEnum

import pytest
from pydantic import ValidationError

from lyra_zoom.contract.zoom import (
    Direction,
    EngineName,
    Resolution,
    StrengthChoice,
    Trajectory,
    ZoomInput,
    ZoomOutput,
)

IMAGE = "https://example.com/photo.jpg"


def request_with(**fields: object) -> ZoomInput:
    return ZoomInput.model_validate({"image_url": IMAGE, "prompt": "a harbour", **fields})


def refused_types(**fields: object) -> dict[str, str]:
    with pytest.raises(ValidationError) as refused:
        request_with(**fields)
    return {str(entry["loc"][0]): entry["type"] for entry in refused.value.errors()}


@pytest.mark.parametrize(
    ("field", "default"),
    [
        ("zoom_direction", Direction.IN),
        ("num_frames", 81),
        ("zoom_in_trajectory", Trajectory.ORBIT_HORIZONTAL),
        ("zoom_in_strength", 0.5),
        ("zoom_out_trajectory", Trajectory.HORIZONTAL_ZOOM),
        ("zoom_out_strength", 1.5),
        ("resolution", Resolution.P480),
        ("use_dmd", True),
        ("guidance_scale", 5),
        ("num_inference_steps", 28),
        ("frames_per_second", 16),
        ("seed", None),
        ("engine", EngineName.AUTO),
        ("strength", StrengthChoice.GIVEN),
    ],
)
def test_a_field_left_out_has_the_published_default(field, default):
    assert getattr(request_with(), field) == default


def test_the_published_fields_come_in_the_published_order():
    assert list(ZoomInput.model_fields) == [
        "image_url", "prompt", "zoom_direction", "num_frames", "zoom_in_trajectory",
        "zoom_in_strength", "zoom_out_trajectory", "zoom_out_strength", "resolution", "use_dmd",
        "guidance_scale", "num_inference_steps", "frames_per_second", "seed", "engine",
        "strength",
    ]  # fmt: skip


def test_image_and_prompt_are_both_named_when_both_are_missing():
    with pytest.raises(ValidationError) as refused:
        ZoomInput.model_validate({})
    assert [entry["loc"] for entry in refused.value.errors()] == [("image_url",), ("prompt",)]


@pytest.mark.parametrize("spelling", [81, "81", 81.0])
def test_a_number_of_frames_may_be_spelled_as_fal_does(spelling):
    frames = request_with(num_frames=spelling).num_frames
    assert frames == 81
    assert type(frames) is int


@pytest.mark.parametrize(
    "wrong", [0, -81, 80, 82, 561, 10**9, "81.5", "eighty", None, True, [81]]
)
def test_any_other_number_of_frames_is_refused(wrong):
    assert refused_types(num_frames=wrong) == {"num_frames": "literal_error"}


@pytest.mark.parametrize("allowed", [81, 161, 241, 321, 401, 481])
def test_every_published_number_of_frames_is_accepted(allowed):
    assert request_with(num_frames=allowed).num_frames == allowed


@pytest.mark.parametrize(
    ("field", "choices"),
    [
        ("zoom_direction", Direction),
        ("zoom_in_trajectory", Trajectory),
        ("zoom_out_trajectory", Trajectory),
        ("resolution", Resolution),
        ("engine", EngineName),
        ("strength", StrengthChoice),
    ],
)
def test_closed_choices_are_exact(field: str, choices: type[StrEnum]):
    for choice in choices:
        assert getattr(request_with(**{field: choice.value}), field) is choice
    assert refused_types(**{field: "sideways"}) == {field: "enum"}
    assert refused_types(**{field: str(next(iter(choices))).upper() + " "}) == {field: "enum"}


@pytest.mark.parametrize(
    ("field", "least", "most"),
    [
        ("zoom_in_strength", 0, 2),
        ("zoom_out_strength", 0, 3),
        ("guidance_scale", 1, 15),
        ("num_inference_steps", 1, 100),
        ("frames_per_second", 8, 24),
        ("seed", 0, 2**63 - 1),
    ],
)
def test_ranges_include_their_ends_only(field, least, most):
    assert getattr(request_with(**{field: least}), field) == least
    assert getattr(request_with(**{field: most}), field) == most
    assert refused_types(**{field: least - 1}) == {field: "greater_than_equal"}
    assert refused_types(**{field: most + 1}) == {field: "less_than_equal"}


@pytest.mark.parametrize("field", ["zoom_in_strength", "zoom_out_strength", "guidance_scale"])
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, "nan", "Infinity"])
def test_numbers_that_are_not_finite_are_refused(field, value):
    assert refused_types(**{field: value}) == {field: "finite_number"}


@pytest.mark.parametrize("token", ["NaN", "Infinity", "-Infinity"])
def test_raw_json_tokens_for_no_number_are_refused(token):
    body = f'{{"image_url":"{IMAGE}","prompt":"x","zoom_in_strength":{token}}}'
    with pytest.raises(ValidationError):
        ZoomInput.model_validate_json(body)


def test_a_number_may_come_as_text():
    assert request_with(zoom_in_strength="0.5").zoom_in_strength == 0.5


@pytest.mark.parametrize("seed", [1.5, "abc", 2**64])
def test_a_seed_is_a_whole_number_of_63_bits(seed):
    assert "seed" in refused_types(seed=seed)


@pytest.mark.parametrize("prompt", ["", "🌊" * 100, "a\0b", "\x1b[31mred\r\nlevel=ERROR"])
def test_a_prompt_may_be_any_text_that_is_not_too_long(prompt):
    assert request_with(prompt=prompt).prompt == prompt


@pytest.mark.parametrize(
    ("prompt", "kind"), [("x" * 10_001, "string_too_long"), ("\ud800", "string_unicode")]
)
def test_a_prompt_too_long_or_not_text_is_refused(prompt, kind):
    assert refused_types(prompt=prompt) == {"prompt": kind}


@pytest.mark.parametrize("image_url", ["", None, 7, ["a"]])
def test_the_image_must_be_named_by_text(image_url):
    assert "image_url" in refused_types(image_url=image_url)


def test_fields_nobody_knows_are_ignored():
    assert request_with(aspect_ratio="9:16", image_size={"width": 1}) == request_with()


def test_a_body_nested_in_input_gets_a_hint():
    with pytest.raises(ValidationError, match="top level of the body"):
        ZoomInput.model_validate({"input": {"image_url": IMAGE, "prompt": ""}})


def test_the_schema_publishes_bounds_and_choices():
    fields = ZoomInput.model_json_schema()["properties"]
    assert fields["num_frames"]["enum"] == [81, 161, 241, 321, 401, 481]
    assert (fields["zoom_out_strength"]["minimum"], fields["zoom_out_strength"]["maximum"]) == (
        0,
        3,
    )
    assert all(field["description"] for field in fields.values())


def test_only_our_own_fields_are_marked_as_extensions():
    fields = ZoomInput.model_json_schema()["properties"]
    assert [name for name, field in fields.items() if field.get("x-extension")] == [
        "engine", "strength",
    ]  # fmt: skip


def test_the_answer_leaves_out_what_is_not_known():
    published = {
        "video": {"content_type": "video/mp4", "url": "https://example.com/a.mp4"},
        "seed": 478163327,
        "timings": {"encode_s": 1.475, "zoom_in_s": 51.58},
    }
    assert ZoomOutput.model_validate(published).to_wire() == published
