"""What `--help` of a command prints, as a block of text."""

from __future__ import annotations

import contextlib
import io
import os

from lyra_zoom.cli.main import main

COLUMNS = "88"


def help_of(*command: str) -> str:
    """The help of a command, or of the program, 88 columns wide, in a code fence."""
    written = io.StringIO()
    with _width(), contextlib.redirect_stdout(written), contextlib.suppress(SystemExit):
        main([*command, "--help"])
    return f"```text\n{written.getvalue().rstrip()}\n```"


@contextlib.contextmanager
def _width():
    before = os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = COLUMNS
    try:
        yield
    finally:
        if before is None:
            del os.environ["COLUMNS"]
        else:
            os.environ["COLUMNS"] = before
