"""What a person types, and the one line they read when it cannot be done."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pytest

from lyra_zoom.cli.main import main
from lyra_zoom.cli.options import OneLineParser, add_contract_options, given_fields
from lyra_zoom.contract.zoom import ZoomInput
from lyra_zoom.geometry.camera import CameraPath, centred_intrinsics
from lyra_zoom.geometry.image import Size
from lyra_zoom.pipeline.metadata import Provenance
from tests.films import write_film
from tests.pictures import encoded, landscape

SIZE = Size(64, 48)


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    status: int
    out: str
    err: str


Typed: TypeAlias = Callable[..., Done]


@pytest.fixture
def lyra_zoom(capsys: pytest.CaptureFixture[str]) -> Typed:
    """Type a command in this process: a new one for each would take a second each."""

    def typed(*arguments: str) -> Done:
        try:
            status = main(arguments)
        except SystemExit as left:
            status = int(left.code or 0)
        said = capsys.readouterr()
        return Done(status, said.out, said.err)

    return typed


@pytest.fixture
def refused(lyra_zoom: Typed, tmp_path: Path) -> Callable[..., str]:
    """The one line of complaint about some options; nothing else is written anywhere."""

    def complaint(*options: str, image: str | None = None, status: int = 2) -> str:
        return _complaint(lyra_zoom, tmp_path, options, image, status)

    return complaint


def _complaint(
    lyra_zoom: Typed, tmp_path: Path, options: tuple[str, ...], image: str | None, status: int
) -> str:
    photo = tmp_path / "photo.png"
    photo.write_bytes(encoded(landscape(), "PNG"))
    target = tmp_path / "out.mp4"
    asked = ["--prompt", "p", "-o", str(target), *options]
    done = lyra_zoom("generate", str(photo) if image is None else image, *asked)
    assert done.status == status
    assert done.out == ""
    assert "Traceback" not in done.err
    *_, complaint = done.err.splitlines()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["photo.png"]
    return complaint


@pytest.mark.parametrize(
    ("option", "value", "told"),
    [
        ("--num-frames", "80", "num_frames: 80 is not one of 81, 161, 241, 321, 401, 481"),
        ("--zoom-direction", "up", "zoom_direction: 'up' is not one of in, out, both"),
        ("--zoom-in-strength", "5", "zoom_in_strength: '5' is not a number from 0 to 2"),
        ("--zoom-in-strength", "nan", "zoom_in_strength: 'nan' is not a number from 0 to 2"),
        ("--resolution", "4k", "resolution: '4k' is not one of 480p, 720p"),
        ("--use-dmd", "perhaps", "use_dmd: 'perhaps' is not true or false"),
        ("--engine", "gpu", "engine: 'gpu' is not one of auto, embedded, lyra2"),
    ],
)
def test_a_wrong_value_names_the_field_and_what_is_allowed(refused, option, value, told):
    assert refused(option, value) == f"lyra-zoom: {told}"


def test_a_missing_photograph_says_so(refused):
    told = refused(image="missing.jpg")
    assert told.startswith("lyra-zoom: image_url: cannot read missing.jpg: no such file")


def test_a_file_that_is_no_photograph_says_what_is(refused):
    told = refused(image="data:,hello%20world%20nothing")
    assert "image_url: the bytes are not an image" in told
    assert "JPEG, PNG, WEBP" in told


def test_an_output_that_is_no_video_is_refused(refused, tmp_path):
    assert "does not end in .mp4" in refused("-o", str(tmp_path / "out.gif"))


def test_an_engine_that_is_not_here_says_why(refused):
    told = refused("--engine", "lyra2", status=1)
    assert told.startswith("lyra-zoom: the engine lyra2 cannot run here:")


def test_a_missing_option_is_one_line(lyra_zoom, tmp_path):
    done = lyra_zoom("generate", "photo.jpg", "--prompt", "x")
    assert done.status == 2
    assert done.err.splitlines() == [
        "lyra-zoom generate: the following arguments are required: -o/--output "
        "(see lyra-zoom generate --help)"
    ]


def test_a_missing_prompt_is_named(lyra_zoom, tmp_path):
    done = lyra_zoom("generate", "photo.jpg", "-o", str(tmp_path / "a.mp4"))
    assert (done.status, done.err) == (2, "lyra-zoom: prompt: is required\n")


@pytest.mark.parametrize("arguments", [[], ["fly"], ["--fly"], ["generate"], ["inspect"]])
def test_nonsense_is_one_line_that_points_to_help(lyra_zoom, arguments):
    done = lyra_zoom(*arguments)
    assert done.status == 2
    assert len(done.err.splitlines()) == 1
    assert "--help" in done.err


def test_every_field_of_the_contract_is_an_option():
    parser = OneLineParser()
    add_contract_options(parser)
    for name, field in ZoomInput.model_fields.items():
        if name == "image_url":
            continue
        value = "7" if field.is_required() or field.default is None else str(field.default)
        given = parser.parse_args([f"--{name.replace('_', '-')}", value])
        assert given_fields(given) == {name: value}


@pytest.mark.parametrize("command", ["generate", "depth", "inspect", "doctor", "bench"])
def test_every_command_explains_itself(lyra_zoom, command):
    done = lyra_zoom(command, "--help")
    assert done.status == 0
    assert done.out.startswith("usage: lyra-zoom")


@pytest.mark.parametrize("number", ["0", "-1", "1.5", "many"])
def test_bench_refuses_a_number_of_scenes_that_is_none(lyra_zoom, number):
    done = lyra_zoom("bench", "--quality", f"--scenes={number}")
    assert (done.status, done.out) == (2, "")
    assert done.err == (
        f"lyra-zoom bench: argument --scenes: '{number}' is not a whole number from 1 "
        "(see lyra-zoom bench --help)\n"
    )


def test_help_names_defaults_and_what_is_allowed(lyra_zoom):
    told = " ".join(lyra_zoom("generate", "--help").out.split())
    assert "One of in, out, both; default in." in told
    assert "A number from 0 to 3; default 1.5." in told
    assert "examples:" in told


def test_help_loads_nothing_heavy():
    code = (
        "import contextlib, io, sys\n"
        "from lyra_zoom.cli.main import main\n"
        "with contextlib.suppress(SystemExit), contextlib.redirect_stdout(io.StringIO()):\n"
        "    main(['generate', '--help'])\n"
        "heavy = {'numpy', 'numba', 'av', 'cv2', 'PIL', 'onnxruntime', 'httpx', 'rich'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert done.stdout.decode().strip() == "[]"


def test_the_version_is_told(lyra_zoom):
    assert lyra_zoom("--version").out.count(".") == 2


@pytest.fixture
def film(tmp_path: Path) -> Path:
    """A small video that says how it was made."""
    path = CameraPath(
        np.tile(np.eye(4), (3, 1, 1)),
        np.tile(centred_intrinsics(50.0, SIZE), (3, 1, 1)),
        SIZE,
    )
    made = Provenance(
        version="1.2.3",
        engine="still",
        request={"prompt": "a\nharbour \x1b[31m", "seed": 7, "zoom_in_strength": 2.0},
        image_sha256="ab" * 32,
        path=path,
        strengths={"zoom_in_strength": 0.21},
    )
    tags = {"comment": made.to_json()}
    return write_film(tmp_path / "a.mp4", [landscape(SIZE)] * 3, tags=tags)


def test_inspect_tells_a_person_how_a_video_was_made(lyra_zoom, film):
    done = lyra_zoom("inspect", str(film))
    assert done.status == 0
    assert "3 frames of 64x48, 16 frames per second, 0.1875 s" in done.out
    assert "made by lyra-zoom 1.2.3, engine still" in done.out
    assert r'prompt: "a\nharbour \u001b[31m"' in done.out
    assert "frame 2: centre (0.000, 0.000, 0.000), focal 50.0 px" in done.out


def test_inspect_tells_the_strength_that_was_used(lyra_zoom, film):
    assert "zoom_in_strength: 2.0, used: 0.21\n" in lyra_zoom("inspect", str(film)).out


def test_inspect_gives_a_program_one_object(lyra_zoom, film):
    made = json.loads(lyra_zoom("inspect", "--json", str(film)).out)
    assert made["request"]["seed"] == 7
    assert made["cameras"]["num_frames"] == 3
    assert made["used"] == {"zoom_in_strength": 0.21}


@pytest.mark.parametrize("content", [None, b"", b"no video at all"])
def test_inspect_of_no_video_is_one_line(lyra_zoom, tmp_path, content):
    file = tmp_path / "b.mp4"
    if content is not None:
        file.write_bytes(content)
    done = lyra_zoom("inspect", str(file))
    assert (done.status, done.out, len(done.err.splitlines())) == (1, "", 1)


@pytest.mark.slow
def test_doctor_looks_at_what_a_video_needs(lyra_zoom):
    done = lyra_zoom("doctor")
    for word in ("Python", "cores", "memory", "disk", "H.264", "embedded engine", "HEIC"):
        assert word in done.out


def test_doctor_names_a_depth_network_that_cannot_be_read(lyra_zoom, tmp_path, monkeypatch):
    file = tmp_path / "my.onnx"
    file.write_bytes(b"no network at all")
    monkeypatch.setenv("LYRA_ZOOM_DEPTH_MODEL", str(file))
    done = lyra_zoom("doctor")
    assert done.status == 1
    assert f"!!  embedded engine: {file} is not a network" in done.out


def test_an_address_where_nobody_answers_is_one_line(lyra_zoom, tmp_path):
    broken = "http://127.0.0.1:9/a.png"
    done = lyra_zoom("generate", broken, "--prompt", "p", "-o", str(tmp_path / "a.mp4"))
    assert done.status == 2
    assert len(done.err.splitlines()) == 1
