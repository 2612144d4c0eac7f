"""How a refused request is told: to fal's clients as a body, to a person as a sentence."""

from __future__ import annotations

import json

import pytest
from pydantic import ValidationError

from lyra_zoom.contract.problems import (
    allowed_values,
    body_of_rejection,
    body_of_validation,
    rejection_of,
)
from lyra_zoom.contract.zoom import ZoomInput
from lyra_zoom.errors import InputRejected


def refusal(**fields: object) -> ValidationError:
    with pytest.raises(ValidationError) as refused:
        ZoomInput.model_validate({"image_url": "https://x.test/a.png", "prompt": "p", **fields})
    return refused.value


def test_a_refused_field_is_told_word_for_word_in_fals_shape():
    assert body_of_validation(refusal(num_frames=80)).to_wire() == {
        "detail": [
            {
                "loc": ["body", "num_frames"],
                "msg": "Input should be 81, 161, 241, 321, 401 or 481",
                "type": "literal_error",
                "url": "https://docs.fal.ai/errors#literal_error",
                "ctx": {"expected": "81, 161, 241, 321, 401 or 481"},
                "input": 80,
            }
        ]
    }


def test_all_refused_fields_are_told_at_once():
    body = body_of_validation(refusal(zoom_in_strength=9, resolution="4k"))
    assert [problem.loc[-1] for problem in body.detail] == ["zoom_in_strength", "resolution"]


@pytest.mark.parametrize(
    "value", [float("nan"), 10**400, "\ud800", "x" * 10**6, {"a": {"b": [1]}}]
)
def test_whatever_was_refused_the_body_is_valid_and_short_json(value):
    text = json.dumps(
        body_of_validation(refusal(zoom_in_strength=value)).to_wire(), allow_nan=False
    )
    assert len(text.encode("utf-8")) < 2000


def test_an_image_that_cannot_be_used_is_told_in_the_same_shape():
    rejected = InputRejected("image_url", "too small", "image_too_small", {"min_width": 32})
    assert body_of_rejection(rejected).to_wire() == {
        "detail": [
            {
                "loc": ["body", "image_url"],
                "msg": "too small",
                "type": "image_too_small",
                "url": "https://docs.fal.ai/errors#image_too_small",
                "ctx": {"min_width": 32},
            }
        ]
    }


def test_a_person_reads_field_value_and_what_is_allowed():
    assert str(rejection_of(refusal(zoom_in_strength=5))) == (
        "zoom_in_strength: 5 is not a number from 0 to 2"
    )
    assert str(rejection_of(refusal(zoom_direction="up"))) == (
        "zoom_direction: 'up' is not one of in, out, both"
    )


def test_a_person_reads_of_every_refused_field():
    told = str(rejection_of(refusal(num_frames=80, frames_per_second=99)))
    assert told == (
        "num_frames: 80 is not one of 81, 161, 241, 321, 401, 481; "
        "frames_per_second: 99 is not a whole number from 8 to 24"
    )


def test_every_field_says_what_it_accepts():
    assert all(allowed_values(name) for name in ZoomInput.model_fields)
