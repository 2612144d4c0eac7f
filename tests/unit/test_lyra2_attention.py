"""The attention kernel that the operator names is the one that is used, or none is."""

from __future__ import annotations

from dataclasses import replace

import pytest

torch = pytest.importorskip("torch", reason="the lyra2 engine needs torch")

from typing import get_args, get_type_hints  # noqa: E402

from lyra_zoom.engines.lyra2.attention import (  # noqa: E402
    PACKAGES,
    AttentionKernel,
    why_not_installed,
)
from lyra_zoom.engines.lyra2.readiness import why_not_here  # noqa: E402
from lyra_zoom.errors import SettingRejected  # noqa: E402
from lyra_zoom.settings import Settings  # noqa: E402
from tests.lyra2_weights import toy_settings, write_toy_weights  # noqa: E402


def test_the_operator_can_name_every_kernel():
    assert set(get_args(get_type_hints(Settings)["lyra2_attention"])) == set(AttentionKernel)


def test_a_kernel_nobody_knows_is_one_sentence_at_the_start():
    with pytest.raises(SettingRejected, match="LYRA_ZOOM_LYRA2_ATTENTION: Input should be"):
        Settings.from_environment({"LYRA_ZOOM_LYRA2_ATTENTION": "fast"})


def test_a_kernel_that_is_not_installed_is_one_sentence_at_the_start(tmp_path):
    write_toy_weights(tmp_path)
    settings = toy_settings(tmp_path)
    assert why_not_here(settings) is None
    wish = replace(settings, lyra2_attention="sage")
    told = why_not_here(wish)
    if why_not_installed(AttentionKernel.SAGE) is None:
        assert told is None
    else:
        assert told == (
            "the attention kernel sage needs the package sageattention, which is not installed"
        )


def test_kernels_of_torch_need_nothing_else():
    assert all(why_not_installed(each) is None for each in {*AttentionKernel} - {*PACKAGES})
