"""`lyra-zoom api`: the HTTP side alone, light, announced, and stopped in good order."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import httpx
import pytest

from tests.server import INPUT, SUBMIT

HEAVY = ("numpy", "torch", "av", "onnxruntime", "numba", "cv2", "PIL")


@pytest.fixture
def environment(tmp_path):
    kept = {name: value for name, value in os.environ.items() if "LYRA_ZOOM" not in name}
    return kept | {"LYRA_ZOOM_DATA": str(tmp_path)}


def lyra_zoom(environment, *arguments):
    return subprocess.run(
        [sys.executable, "-m", "lyra_zoom", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.slow
def test_a_key_made_on_the_command_line_opens_the_api(environment):
    key = lyra_zoom(environment, "keys", "create", "laptop").stdout.strip()
    command = [sys.executable, "-m", "lyra_zoom", "api", "--port", "0"]
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as api:
        assert api.stdout is not None
        url = api.stdout.readline().removeprefix("ready ").strip()
        headers = {"Authorization": f"Key {key}"}
        assert httpx.post(url + SUBMIT, json=INPUT, headers=headers).status_code == 200
        api.send_signal(signal.SIGTERM)
        assert api.wait(15) == 0


@pytest.mark.slow
def test_keys_are_listed_without_their_secrets_and_revoked_by_their_ids(environment):
    key = lyra_zoom(environment, "keys", "create", "laptop").stdout.strip()
    key_id, _, secret = key.partition(":")
    listed = lyra_zoom(environment, "keys", "list").stdout
    assert key_id in listed
    assert "laptop" in listed
    assert secret not in listed
    assert lyra_zoom(environment, "keys", "revoke", key_id).returncode == 0
    assert "revoked" in lyra_zoom(environment, "keys", "list").stdout
    again = lyra_zoom(environment, "keys", "revoke", key_id)
    assert (again.returncode, again.stdout) == (2, "")


def test_the_web_process_loads_no_model():
    code = (
        "import sys, lyra_zoom.cli.main, lyra_zoom.cli.api; "
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr
