"""What a LoRA file changes of the transformer, and what of it changes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from lyra_zoom.engines.lyra2.filling import Shapes, some_of
from lyra_zoom.engines.lyra2.lora import load_lora
from lyra_zoom.errors import WeightsUnusable
from lyra_zoom.weights.parts import DISTILLATION

MIB = 2**20


@dataclass(frozen=True, slots=True, kw_only=True)
class LoraReport:
    """What is in a file; tensors by their names there.

    `negligible`: how many differences mean nothing. `differences`: those that do and that are
    not applied, as the reference does not, of so many bytes together. `unused`: all else.
    """

    name: str
    layers: int
    biases: int
    bias_bytes: int
    negligible: int
    differences: tuple[str, ...]
    difference_bytes: int
    unused: tuple[str, ...]

    def lines(self) -> Iterator[str]:
        """What a person should know, a line for each thing."""
        biases = f", {self.biases} biases of {_mib(self.bias_bytes)}" if self.biases else ""
        yield f"LoRA {self.name}: changes {self.layers} layers{biases}"
        if self.negligible:
            yield f"LoRA {self.name}: {self.negligible} differences too small to count"
        if self.differences:
            what = f"differences of {_mib(self.difference_bytes)}, not applied"
            yield f"LoRA {self.name}: {len(self.differences)} {what}: {_few(self.differences)}"
        if self.unused:
            what = "tensors that fit no layer, not used"
            yield f"LoRA {self.name}: {len(self.unused)} {what}: {_few(self.unused)}"

    @property
    def left_out(self) -> tuple[str, ...]:
        """Everything that changes nothing, as the list of the weights names it."""
        return tuple(f"{self.name}: {name}" for name in (*self.differences, *self.unused))


def report_on(file: Path, transformer: Shapes, leave_out: Sequence[str] = ()) -> LoraReport:
    """What a LoRA is for this transformer, whose tensors have these shapes.

    Raises `WeightsUnusable` for a file that cannot be read, that changes nothing, or that has
    additions of another shape than the layers they are for. The one that changes how many steps
    there are must be used to its last tensor, but for those that `leave_out` has patterns of.
    """
    deltas = load_lora(file)
    fitting = {
        layer: low_rank
        for layer, low_rank in deltas.layers.items()
        if f"{layer}.weight" in transformer
    }
    if not fitting:
        raise WeightsUnusable(f"the LoRA {file.name} changes no layer of the transformer")
    for layer, low_rank in fitting.items():
        if not low_rank.fits(transformer[f"{layer}.weight"]):
            raise WeightsUnusable(f"the LoRA {file.name} has another shape than {layer}")
    biases = [low_rank.bias for low_rank in fitting.values() if low_rank.bias is not None]
    foreign = [name for layer in deltas.layers.keys() - fitting for name in deltas.names[layer]]
    report = LoraReport(
        name=file.stem,
        layers=len(fitting),
        biases=len(biases),
        bias_bytes=sum(bias.nbytes for bias in biases),
        negligible=len(deltas.negligible),
        differences=tuple(deltas.differences),
        difference_bytes=sum(deltas.differences.values()),
        unused=tuple(sorted([*deltas.skipped, *foreign])),
    )
    if report.name == DISTILLATION:
        _refuse_rest(report, leave_out)
    return report


def _refuse_rest(report: LoraReport, leave_out: Sequence[str]) -> None:
    rest = [
        name
        for name in (*report.differences, *report.unused)
        if not any(fnmatch(name, pattern) for pattern in leave_out)
    ]
    if rest:
        raise WeightsUnusable(
            f"the LoRA {report.name} would not be used as a whole, and four steps need all of "
            f"it: {some_of(rest, 'of no layer that we know')}; if they are not needed, "
            "--leave-out PATTERN goes on without them"
        )


def _few(names: Sequence[str]) -> str:
    shown = ", ".join(names[:3])
    return shown if len(names) <= 3 else f"{shown} and {len(names) - 3} more"


def _mib(count: int) -> str:
    return f"{count / MIB:.1f} MiB"
