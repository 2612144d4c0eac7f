"""What a person is told about a prompt when the diffusion model will read it."""

from __future__ import annotations

from pathlib import Path

import pytest

from lyra_zoom.contract.zoom import ZoomInput
from lyra_zoom.pipeline.prompt_advice import MOST_NAMED, advice_on
from lyra_zoom.pipeline.words import notes_on

EXAMPLE = Path(__file__).parents[2] / "examples" / "harbour.txt"

GOOD = (
    "A cinematic drone shot glides forward through a narrow market street at noon. The "
    "scene is frozen in time; every element is perfectly still. Striped awnings, crates "
    "of lemons and brass lamps hang motionless over worn cobblestones, rolling hills and "
    "a winding river lie behind the last roof, and a harbour crane stands against a sky "
    "of fixed clouds. Warm light falls from the left and its long shadows never change. "
    "As the camera advances, more of the carved wooden doors and the distant bell tower "
    "is revealed, with the same stone, the same muted colours and the same silent "
    "afternoon light on every single wall."
)


def with_sentence(sentence: str) -> str:
    return f"{GOOD} {sentence}"


def test_a_frozen_scene_described_at_length_needs_no_advice():
    assert advice_on(GOOD) == ()


def test_the_example_that_comes_with_the_program_needs_no_advice():
    assert advice_on(EXAMPLE.read_text()) == ()


def test_a_short_prompt_is_told_how_long_good_ones_are():
    (told, *_) = advice_on("a harbour, frozen in time")
    assert told.startswith("the prompt has 5 words; 80 to 100 ")


def test_an_empty_prompt_is_told_as_well():
    assert advice_on("")[0].startswith("the prompt has 0 words; ")


def test_a_prompt_that_is_not_read_to_its_end_says_so():
    assert advice_on(GOOD * 5)[0] == (
        f"of the prompt's {len((GOOD * 5).split())} words about the first 380 are read"
    )


def test_a_scene_that_may_move_is_noticed():
    moving = GOOD
    for word in ("frozen", "still", "motionless", "fixed"):
        moving = moving.replace(word, "lovely")
    (told,) = advice_on(moving)
    assert told.startswith("the prompt does not say that the scene stands still")


@pytest.mark.parametrize(
    ("sentence", "named"),
    [
        ("People are walking along the quay.", "people are walking"),
        ("A dog runs after a ball.", "dog runs"),
        ("Waves crash on the rocks and the trees sway.", "sway"),
        ("The waves are rolling in.", "waves are rolling"),
        ("Smoke rises from a chimney.", "smoke rises"),
        ("Falling snow covers the town.", "falling snow"),
        ("A flag flutters above the door.", "flag flutters"),
        ("Candles flicker, their light dances on the wall.", "dances"),
        ("Cars pass, a train passes the bridge.", "train passes"),
    ],
)
def test_what_moves_is_named(sentence, named):
    (told,) = advice_on(with_sentence(sentence))
    assert told.startswith("nothing can move in this model's scenes, but the prompt says: ")
    assert named in told


@pytest.mark.parametrize(
    "sentence",
    [
        "No wind, no falling leaves, and no people walking.",
        "The crashing waves are frozen and the flags are rigid.",
        "Nothing moves: not a single bird flies.",
        "A path runs along the river between rolling hills.",
        "Flying buttresses carry the nave and climbing roses cover the wall.",
        "A running track circles the park, and a walking stick leans on the bench.",
        "The river winds through the valley below a waterfall.",
    ],
)
def test_what_only_sounds_like_motion_is_left_alone(sentence):
    assert advice_on(with_sentence(sentence)) == ()


@pytest.mark.parametrize(
    ("sentence", "named"),
    [
        ("The camera pans to the left.", "camera pans"),
        ("The camera slowly zooms out.", "camera slowly zooms"),
        ("The shot pulls back to show the town.", "shot pulls back"),
        ("Handheld footage.", "handheld"),
        ("Then cut to the church.", "cut to"),
    ],
)
def test_another_way_for_the_camera_is_named(sentence, named):
    (told,) = advice_on(with_sentence(sentence))
    assert told.startswith("the camera goes where the trajectory says")
    assert told.endswith(named)


@pytest.mark.parametrize(
    "sentence",
    [
        "A slow, steady camera push forward along the quay.",
        "The camera advances towards the tower.",
        "A copper pan hangs beside a tilted mirror.",
    ],
)
def test_the_way_forward_is_no_mistake(sentence):
    assert advice_on(with_sentence(sentence)) == ()


def test_only_a_few_words_of_a_restless_prompt_are_repeated():
    restless = "A dog runs. A bird flies. A train passes. Rain falls. Mist drifts. Men march."
    (told,) = advice_on(with_sentence(restless))
    assert told.count(",") == MOST_NAMED  # one of them is ours
    assert "dog runs, bird flies" in told


def test_the_notes_on_a_request_are_advice_only_where_the_model_reads_the_prompt():
    request = ZoomInput(image_url="-", prompt="dogs")
    assert notes_on(request, "lyra2") == advice_on("dogs")
    assert notes_on(request, "embedded") == ("without effect in the embedded engine: prompt",)
