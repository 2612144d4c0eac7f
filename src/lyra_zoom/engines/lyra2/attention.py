"""Which kernel computes attention: PyTorch's own, or a faster one where it is installed.

All kernels take `(B, T, heads, head_dim)` and give the same. Nothing optional is imported
before it is chosen.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from enum import StrEnum
from importlib.util import find_spec
from types import ModuleType
from typing import TypeAlias

import torch
from torch import Tensor
from torch.nn import functional
from torch.nn.attention import SDPBackend, sdpa_kernel

from lyra_zoom.errors import EngineNotReady

Attend: TypeAlias = Callable[[Tensor, Tensor, Tensor], Tensor]

HOPPER = (9, 0)  # the compute capability that FlashAttention-3 is written for


class AttentionKernel(StrEnum):
    """The kernels by name."""

    AUTO = "auto"
    SDPA = "sdpa"
    CUDNN = "cudnn"
    FLASH3 = "flash3"
    SAGE = "sage"


PACKAGES = {
    AttentionKernel.FLASH3: "flash_attn_interface",
    AttentionKernel.SAGE: "sageattention",
}
"""What has to be installed besides torch."""


def why_not_installed(kernel: AttentionKernel) -> str | None:
    """One sentence on which package a kernel lacks, or None; imports nothing."""
    package = PACKAGES.get(kernel)
    if package is None or find_spec(package) is not None:
        return None
    return f"the attention kernel {kernel} needs the package {package}, which is not installed"


def choose_attention(name: AttentionKernel, device: torch.device) -> Attend:
    """The kernel of that name; `auto` takes the fastest exact one that this machine has.

    Raises `EngineNotReady` when a kernel is named whose package is missing.
    """
    return KERNELS[_fastest_exact(device) if name is AttentionKernel.AUTO else name]()


def in_heads(features: Tensor, head_dim: int) -> Tensor:
    """Features `(B, T, D)` as `(B, T, heads, head_dim)`."""
    return features.reshape(*features.shape[:-1], -1, head_dim)


def attend(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Scaled dot-product attention of PyTorch, without a mask."""
    return functional.scaled_dot_product_attention(
        query.transpose(1, 2), key.transpose(1, 2), value.transpose(1, 2)
    ).transpose(1, 2)


def attend_cudnn(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """The same on cuDNN where it can, else on what PyTorch has."""
    order = [
        SDPBackend.CUDNN_ATTENTION,
        SDPBackend.FLASH_ATTENTION,
        SDPBackend.EFFICIENT_ATTENTION,
        SDPBackend.MATH,
    ]
    with sdpa_kernel(order, set_priority=True):
        return attend(query, key, value)


def _flash3() -> Attend:
    package = _load(AttentionKernel.FLASH3)

    def attend_flash3(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        result = package.flash_attn_func(query, key, value)
        return result[0] if isinstance(result, tuple) else result  # early versions: a pair

    return attend_flash3


def _sage() -> Attend:
    package = _load(AttentionKernel.SAGE)

    def attend_sage(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        return package.sageattn(query, key, value, tensor_layout="NHD")

    return attend_sage


def _load(kernel: AttentionKernel) -> ModuleType:
    reason = why_not_installed(kernel)
    if reason is not None:
        raise EngineNotReady(reason)
    try:
        return importlib.import_module(PACKAGES[kernel])
    except ImportError as error:
        raise EngineNotReady(
            f"the attention kernel {kernel} cannot be used: {error}"
        ) from error


KERNELS: dict[AttentionKernel, Callable[[], Attend]] = {
    AttentionKernel.SDPA: lambda: attend,
    AttentionKernel.CUDNN: lambda: attend_cudnn,
    AttentionKernel.FLASH3: _flash3,
    AttentionKernel.SAGE: _sage,  # rounds to INT8, so `auto` never takes it
}


def _fastest_exact(device: torch.device) -> AttentionKernel:
    if (
        device.type == "cuda"
        and torch.cuda.get_device_capability(device) == HOPPER
        and why_not_installed(AttentionKernel.FLASH3) is None
    ):
        return AttentionKernel.FLASH3
    return AttentionKernel.SDPA
