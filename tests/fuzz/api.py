"""Asks the server what its schema allows and forbids: `python -m tests.fuzz.api --minutes 10`.

schemathesis makes the requests: valid ones, broken ones, and chains of both. A thread stands in
for the worker, so that requests begin and end meanwhile.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.fuzz.rules import KNOWN
from tests.fuzz.standin import working
from tests.server import KEY, RunningApi, running_api

ROOT = Path(__file__).parents[2]
SETTINGS = Path(__file__).with_name("schemathesis.toml")


def ask(api: RunningApi, folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Let schemathesis ask; what it found is in the output, and status 0 means nothing."""
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(SETTINGS), "run"]
    command += [f"{api.url}/openapi.json", "--header", f"Authorization: Key {KEY}", *options]
    environment = {
        "PYTHONPATH": str(ROOT),
        "SCHEMATHESIS_HOOKS": "tests.fuzz.rules",
        KNOWN: json.dumps(_things_that_are_there(api)),
        "NO_COLOR": "1",
    }
    return subprocess.run(
        command,
        cwd=folder,
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def _things_that_are_there(api: RunningApi) -> dict[str, str]:
    """Ids that nobody guesses: of an upload, and of the file that it shall become."""
    with api.client() as client:
        told = client.post("/rest/storage/upload/initiate", json={"file_name": "a.bin"}).json()
    *_, file_id, _name = told["file_url"].split("/")
    return {"upload_id": told["upload_url"].rpartition("/")[2], "file_id": file_id}


def main() -> int:
    """Ask for as long as wanted; the exit status says whether anything was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=1)
    chosen = parser.parse_args()
    time_s = str(max(1, round(chosen.minutes * 60)))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with running_api(folder / "data") as api, working(api):
            asked = ask(api, folder, "--max-time", time_s, "--seed", str(chosen.seed))
    print(asked.stdout)
    return asked.returncode


if __name__ == "__main__":
    sys.exit(main())
