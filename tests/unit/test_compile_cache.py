"""Compiled code is kept wherever there is a place that only this person can write."""

from __future__ import annotations

from pathlib import Path

from lyra_zoom.engines.compile_cache import keep_compiled_code


def test_beside_the_source_is_fine_where_that_can_be_written(tmp_path):
    environment: dict[str, str] = {}
    keep_compiled_code(tmp_path / "data", tmp_path, environment)
    assert environment == {}


def test_a_read_only_installation_uses_the_data_folder(tmp_path):
    environment: dict[str, str] = {}
    keep_compiled_code(tmp_path / "data", tmp_path / "not there", environment)
    assert environment == {"NUMBA_CACHE_DIR": str(tmp_path / "data" / "compiled")}
    assert (tmp_path / "data" / "compiled").is_dir()


def test_without_any_place_a_private_one_is_made(tmp_path):
    environment: dict[str, str] = {}
    (tmp_path / "data").write_text("a file, not a folder")
    keep_compiled_code(tmp_path / "data", tmp_path / "not there", environment)
    folder = Path(environment["NUMBA_CACHE_DIR"])
    assert folder.stat().st_mode & 0o077 == 0
    folder.rmdir()


def test_what_the_operator_chose_stays(tmp_path):
    environment = {"NUMBA_CACHE_DIR": "/somewhere"}
    keep_compiled_code(tmp_path, tmp_path / "not there", environment)
    assert environment == {"NUMBA_CACHE_DIR": "/somewhere"}
