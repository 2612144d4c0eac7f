"""The Python blocks of the documents run as they stand, page by page."""

from __future__ import annotations

import re

import pytest
from PIL import Image

from lyra_zoom.bench.photograph import drawn_photograph
from tests.docs.blocks import ROOT, documents

PYTHON = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)

PAGES = {
    str(page.relative_to(ROOT)): "\n".join(PYTHON.findall(page.read_text()))
    for page in documents()
}
QUICK = [name for name, code in PAGES.items() if code and "generate(" not in code]
SLOW = [name for name, code in PAGES.items() if "generate(" in code]


def run_page(name: str) -> None:
    exec(compile(PAGES[name], name, "exec"), {"__name__": "__main__"})


@pytest.fixture
def photograph(tmp_path, monkeypatch):
    """A folder to work in that holds `photo.jpg`, which the examples speak of."""
    Image.fromarray(drawn_photograph()).save(tmp_path / "photo.jpg")
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("name", QUICK)
def test_the_examples_of_a_page_run(name, photograph):
    run_page(name)


@pytest.mark.slow
@pytest.mark.parametrize("name", SLOW)
def test_the_examples_that_make_videos_run(name, photograph, tmp_path):
    run_page(name)
    assert not (tmp_path / "never.mp4").exists()
