"""Documents that cannot lie: drawn blocks are current, links lead somewhere, examples run."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from lyra_zoom.contract.zoom import Direction, EngineName, Resolution, Trajectory, ZoomInput
from tests.docs.axes import DRAWING, as_svg, drawing
from tests.docs.blocks import BLOCKS, ROOT, block_names, documents, refreshed
from tests.docs.command_help import help_of
from tests.docs.tables import kinds, raised_errors, settings_table

PAGES = {str(page.relative_to(ROOT)): page for page in documents()}
MANUAL = "\n".join(page.read_text() for page in sorted((ROOT / "docs/manual").glob("*.md")))
DECISIONS = sorted((ROOT / "docs/decisions").glob("*.md"))
DECISION_PARTS = ("Context", "Decision", "What we gave up", "How we would notice it was wrong")
LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)#\s]+)[^)]*\)")

COMMANDS = re.findall(r"^    (\w+) +\S", help_of(), re.MULTILINE)
ENUM_VALUES = [
    str(value)
    for choices in (Direction, Trajectory, Resolution, EngineName)
    for value in choices
]
SETTINGS = re.findall(r"LYRA_ZOOM_\w+", settings_table())


def without_help(text: str) -> str:
    """The page without command help, which other Pythons wrap and order differently."""
    return re.sub(
        r"(<!-- generated: help[a-z -]* -->\n).*?(<!-- end -->)", "", text, flags=re.DOTALL
    )


@pytest.mark.parametrize("name", PAGES)
def test_generated_blocks_are_current(name):
    text = PAGES[name].read_text()
    now = refreshed(text)
    if sys.version_info[:2] != (3, 11):
        text, now = without_help(text), without_help(now)
    assert text == now, "run `make docs`"


def test_every_generated_block_is_on_some_page():
    used = {name for page in PAGES.values() for name in block_names(page.read_text())}
    assert used == set(BLOCKS)


@pytest.mark.parametrize("name", PAGES)
def test_links_between_pages_lead_somewhere(name):
    page = PAGES[name]
    for target in LINK.findall(page.read_text()):
        assert (page.parent / target).exists(), target


def test_the_drawing_of_the_axes_is_current():
    assert DRAWING.read_text() == as_svg(drawing()), "run `python -m tests.docs.axes`"


class TestManual:
    @pytest.mark.parametrize("command", COMMANDS)
    def test_every_command_has_a_page(self, command):
        assert f"lyra-zoom {command}" in (ROOT / f"docs/manual/{command}.md").read_text()

    @pytest.mark.parametrize("field", ZoomInput.model_fields)
    def test_every_field_is_explained(self, field):
        assert f"`{field}`" in MANUAL

    @pytest.mark.parametrize("value", ENUM_VALUES)
    def test_every_choice_is_explained(self, value):
        assert f"`{value}`" in MANUAL

    @pytest.mark.parametrize("setting", SETTINGS)
    def test_every_setting_is_explained(self, setting):
        assert f"`{setting}`" in MANUAL

    @pytest.mark.parametrize("name", [name for name, _ in raised_errors()])
    def test_every_error_is_explained(self, name):
        assert f"`{name}`" in MANUAL

    @pytest.mark.parametrize("kind", kinds())
    def test_every_kind_of_refusal_is_explained(self, kind):
        assert f"`{kind}`" in MANUAL


class TestDecisions:
    def test_they_are_numbered_without_gaps(self):
        numbers = [int(page.name[:4]) for page in DECISIONS]
        assert numbers == list(range(1, len(numbers) + 1))

    @pytest.mark.parametrize("page", DECISIONS, ids=lambda page: Path(page).stem)
    def test_each_has_the_four_parts_in_order(self, page):
        parts = re.findall(r"^## (.+)$", page.read_text(), re.MULTILINE)
        assert tuple(parts) == DECISION_PARTS

    @pytest.mark.parametrize("page", DECISIONS, ids=lambda page: Path(page).stem)
    def test_each_says_its_number_and_day(self, page):
        lines = page.read_text().splitlines()
        assert lines[0].startswith(f"# {int(page.name[:4])}. ")
        assert re.fullmatch(r"Date: \d{4}-\d\d-\d\d", lines[2])
