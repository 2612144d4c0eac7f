"""Published checkpoints become files that the engine loads, tensor by tensor.

A file has its name once it is whole on the disk, and the folder counts as weights once every
file does. The same conversion again goes on where one was interrupted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from importlib.metadata import version

from lyra_zoom.engines.engine import Progress
from lyra_zoom.engines.lyra2.installed import Manifest, StoredFile, WeightsFolder
from lyra_zoom.weights.loras import report_on
from lyra_zoom.weights.networks import networks_with, transformer_shapes
from lyra_zoom.weights.parts import OUR_FOLDERS
from lyra_zoom.weights.tasks import Order, Task, Tell, conversion_of, copies
from lyra_zoom.weights.unfinished import Unfinished
from lyra_zoom.weights.whole_files import need_room


def convert(
    order: Order, folder: WeightsFolder, progress: Progress, share: float = 1.0
) -> Manifest:
    """Make the folder hold what was ordered; raises before any work if it does not fit.

    `share`: how much of all that is reported to `progress` this is.
    """
    tasks, left_out = copies(order), list[str]()
    shapes = transformer_shapes(order.sizes)
    for file in order.loras.values():
        report = report_on(file, shapes, order.leave_out)
        left_out.extend(report.left_out)
        for line in report.lines():
            progress.say(line)
    for network in networks_with(order.depth):
        more, unneeded = conversion_of(network, order)
        tasks.extend(more)
        left_out.extend(unneeded)
    files = _carried_out(tasks, folder, progress, share)
    manifest = Manifest(
        source=order.source,
        revision=order.revision,
        others=order.others,
        made_by=f"lyra-zoom {version('lyra-zoom')}",
        made_at=datetime.now(UTC).isoformat(timespec="seconds"),
        depth=order.depth,
        files=files,
        left_out=tuple(left_out),
    )
    folder.write_manifest(manifest)
    Unfinished(folder.path).forget()
    return manifest


def _carried_out(
    tasks: Sequence[Task], folder: WeightsFolder, progress: Progress, share: float
) -> dict[str, StoredFile]:
    """Every file, made now or by an earlier attempt; until then the folder is not whole."""
    unfinished = Unfinished(folder.path)
    found = {task.name: unfinished.finished(task.name, task.made_from) for task in tasks}
    files = {name: file for name, file in found.items() if file is not None}
    to_do = [task for task in tasks if task.name not in files]
    need_room(folder.path, sum(task.bytes for task in to_do), "the conversion")
    if files:
        progress.say(f"{len(files)} of {len(tasks)} files are there from before")
    folder.manifest_file.unlink(missing_ok=True)
    _remove_strangers(folder, tasks)
    for task, tell in _reported(to_do, progress, share):
        file = task.make(folder.path / task.name, tell)
        files[task.name] = unfinished.note(task.name, task.made_from, file)
    return {task.name: files[task.name] for task in tasks}


def _reported(
    tasks: Sequence[Task], progress: Progress, share: float
) -> Iterator[tuple[Task, Tell]]:
    """Each task in turn, with whom to tell of its bytes."""
    total = max(1, sum(task.bytes for task in tasks))
    for task in tasks:
        progress.begin(task.words, share * task.bytes / total)
        done = 0

        def tell(count: int, task: Task = task) -> None:
            nonlocal done
            done += count
            progress.advance(done / max(1, task.bytes))

        yield task, tell


def _remove_strangers(folder: WeightsFolder, tasks: Sequence[Task]) -> None:
    """Remove files that an earlier conversion left, so that nobody loads them with ours."""
    ours = {folder.path / task.name for task in tasks}
    for name in OUR_FOLDERS:
        for file in (folder.path / name).glob("*"):
            if file not in ours and file.is_file():
                file.unlink()
