"""Published tensors that nothing needs, as a person reads of them: many of one kind are one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

MANY = 3
"""More names than this with the same beginning are told by it."""


def left_out_lines(names: Sequence[str]) -> Iterator[str]:
    """One line with every name, or the beginning that some share; nothing for no names.

    What stayed in the file of a LoRA is not among them: its report has it.
    """
    groups: dict[str, list[str]] = defaultdict(list)
    own = [name for name in names if ": " not in name]
    for name in own:
        groups[name.partition(".")[0]].append(name)
    told = [
        f"{start}.* ({len(group)})" if len(group) > MANY else ", ".join(group)
        for start, group in groups.items()
    ]
    if own:
        yield f"{len(own)} published tensors that nothing needs are left out: {', '.join(told)}"
