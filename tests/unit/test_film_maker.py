"""Films made piece by piece by several makers, none of whom knows what another one keeps."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from lyra_zoom.engines.engine import Engine
from lyra_zoom.errors import EngineNotReady, InputRejected
from lyra_zoom.geometry.image import Size
from lyra_zoom.worker.engine_messages import FilmOrder
from lyra_zoom.worker.film_maker import FilmMaker
from tests.fakes import FadingEngine, StillEngine
from tests.pictures import encoded, landscape

pytestmark = pytest.mark.slow


@pytest.fixture
def order(tmp_path: Path) -> FilmOrder:
    """Both directions, two chunks each."""
    photo = tmp_path / "photo"
    photo.write_bytes(encoded(landscape(Size(320, 192)), "PNG"))
    given: dict[str, Any] = {"prompt": "a wall", "num_frames": 161, "zoom_direction": "both"}
    return FilmOrder(request=given, photo=str(photo), seed=7)


def maker_of(engine: Callable[[], Engine]) -> FilmMaker:
    return FilmMaker(lambda name, say: engine())


def made(order: FilmOrder, folder: Path, maker_for: Callable[[int], FilmMaker]) -> bytes:
    """The film whose chunk n is made by `maker_for(n)`, joined by the last of them."""
    folder.mkdir()
    segments: list[Path] = []
    states: list[Path | None] = []
    for index in range(4):
        segments.append(folder / f"{index}.mp4")
        answer = maker_for(index).chunk(order, index, segments[-1], states)
        states.append(Path(answer["state"]) if "state" in answer else None)
    film = folder / "film.mp4"
    maker_for(4).join(order, segments, film, 1.0, [1.0] * 4)
    return film.read_bytes()


@pytest.mark.parametrize("engine", [FadingEngine, StillEngine])
def test_a_new_maker_for_every_chunk_makes_the_same_film(
    order: FilmOrder, tmp_path: Path, engine: Callable[[], Engine]
):
    one = maker_of(engine)
    alone = made(order, tmp_path / "alone", lambda index: one)
    assert made(order, tmp_path / "shared", lambda index: maker_of(engine)) == alone


def test_without_its_state_a_chunk_cannot_be_made(order: FilmOrder, tmp_path: Path):
    with pytest.raises(AssertionError, match="cannot follow"):
        maker_of(FadingEngine).chunk(order, 1, tmp_path / "1.mp4", [None])


def test_states_of_another_leg_are_not_used(order: FilmOrder, tmp_path: Path):
    unreadable = [tmp_path / "nothing", tmp_path / "there"]
    maker_of(FadingEngine).chunk(order, 2, tmp_path / "2.mp4", unreadable)
    assert (tmp_path / "2.mp4").exists()


def test_a_client_who_asks_for_lyra2_reads_why_it_cannot_run(order: FilmOrder):
    def choose(name: str, say: Callable[[str], None]) -> Engine:
        raise EngineNotReady("the engine lyra2 cannot run here: there are no weights")

    wish = replace(order, request={**order.request, "engine": "lyra2"})
    with pytest.raises(InputRejected) as caught:
        FilmMaker(choose).prepare(wish)
    assert (caught.value.field_name, caught.value.kind) == ("engine", "feature_not_supported")
    assert str(caught.value).endswith("cannot run here: there are no weights")
