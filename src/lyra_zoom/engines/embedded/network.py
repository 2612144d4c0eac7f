"""One ONNX file as a function from planes to planes; opens onnxruntime when first asked."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from jaxtyping import Float32

from lyra_zoom.errors import EngineNotReady
from lyra_zoom.geometry.image import RgbFloat, Size

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

Planes: TypeAlias = Float32[np.ndarray, "1 C H W"]

THREADS = 2
"""Fixed, not the number of cores: sums in another order would give other bytes."""


class Network:
    """A session that is opened once, on first use."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._session: InferenceSession | None = None

    def why_not_ready(self) -> str | None:
        """One sentence on why the file cannot be used, None when it can; runs nothing."""
        try:
            self._open()
        except EngineNotReady as error:
            return str(error)
        return None

    def run(self, image: Planes) -> list[np.ndarray]:
        """All outputs of the network for one picture."""
        session = self._open()
        return session.run(None, {session.get_inputs()[0].name: image})

    def named(self, image: Planes) -> dict[str, np.ndarray]:
        """The outputs of the network for one picture, by their names in the file."""
        names = [output.name for output in self._open().get_outputs()]
        return dict(zip(names, self.run(image), strict=True))

    def fixed_size(self) -> Size | None:
        """The only picture size that the network takes, None when it takes any."""
        shape = self._open().get_inputs()[0].shape
        height, width = shape[-2:]
        return (
            Size(width, height) if isinstance(width, int) and isinstance(height, int) else None
        )

    def _open(self) -> InferenceSession:
        if self._session is None:
            self._session = open_session(self.path)
        return self._session


def open_session(path: Path) -> InferenceSession:
    """A deterministic session on the CPU for a network that takes one RGB picture."""
    if not path.is_file():
        raise EngineNotReady(f"there is no depth network at {path}")
    import onnxruntime
    from onnxruntime.capi import onnxruntime_pybind11_state as failures

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = THREADS
    options.inter_op_num_threads = 1
    options.use_deterministic_compute = True
    options.log_severity_level = 3
    unfit = (
        failures.Fail,
        failures.InvalidArgument,
        failures.InvalidGraph,
        failures.InvalidProtobuf,
        failures.NotImplemented,
        failures.RuntimeException,
    )
    try:
        session = onnxruntime.InferenceSession(
            str(path), options, providers=["CPUExecutionProvider"]
        )
    except unfit as error:
        raise EngineNotReady(f"{path} is not a network that onnxruntime can load") from error
    inputs = session.get_inputs()
    shape = inputs[0].shape
    if len(inputs) != 1 or len(shape) != 4 or shape[1] not in (3, "channels", None):
        raise EngineNotReady(f"{path} does not take one RGB picture as a depth network does")
    return session


def planes(image: RgbFloat) -> Planes:
    """A picture as networks take it: one batch, channels first."""
    return np.ascontiguousarray(image.transpose(2, 0, 1)[None], dtype=np.float32)
