"""Checkpoints in the format that trainings on many GPUs write, read tensor by tensor."""

from __future__ import annotations

import multiprocessing
import pickle
from pathlib import Path, PurePosixPath

import pytest

pytest.importorskip("torch", reason="reading checkpoints needs the lyra2 extra")

import torch

from lyra_zoom.errors import WeightsUnusable
from lyra_zoom.weights.shards import ShardedTensors
from tests.published import write_shards

PROCESSES = 2
WHOLE = torch.arange(7 * 3, dtype=torch.bfloat16).reshape(7, 3)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """What one process alone saves."""
    write_shards(tmp_path / "model", {"net.weight": WHOLE, "net.scale": torch.tensor(2.5)})
    return tmp_path / "model"


def test_a_tensor_comes_back_as_it_was(folder: Path):
    torch.testing.assert_close(ShardedTensors(folder).read("net.weight"), WHOLE)


def test_shapes_and_types_are_known_without_reading(folder: Path):
    for shard in folder.glob("*.distcp"):
        shard.unlink()
    described = ShardedTensors(folder).described()["net.weight"]
    assert (described.shape, described.dtype) == ((7, 3), torch.bfloat16)


def test_what_is_no_tensor_is_not_among_them(folder: Path):
    assert not any("_extra_state" in name for name in ShardedTensors(folder).described())


@pytest.mark.slow
def test_pieces_of_many_processes_are_put_together(tmp_path: Path):
    spawning = multiprocessing.get_context("spawn")
    savers = [
        spawning.Process(target=_save_a_share, args=(rank, tmp_path))
        for rank in range(PROCESSES)
    ]
    for saver in savers:
        saver.start()
    for saver in savers:
        saver.join()
    assert [saver.exitcode for saver in savers] == [0] * PROCESSES
    folder = tmp_path / "model"
    assert len(list(folder.glob("__*_*.distcp"))) == PROCESSES
    torch.testing.assert_close(ShardedTensors(folder).read("net.weight"), WHOLE)


def test_a_piece_that_nobody_saved_is_noticed(folder: Path):
    description = folder / ".metadata"
    metadata = pickle.loads(description.read_bytes())
    metadata.state_dict_metadata["net.weight"].chunks.clear()
    description.write_bytes(pickle.dumps(metadata))
    source = ShardedTensors(folder)
    with pytest.raises(WeightsUnusable, match=r"pieces of net\.weight are missing"):
        source.read("net.weight")


@pytest.mark.parametrize("module", ["pathlib", "pathlib._local"])
@pytest.mark.parametrize("name", ["PosixPath", "WindowsPath"])
def test_a_description_may_be_written_by_any_python(folder: Path, module: str, name: str):
    """3.13 calls the module of its paths by another name than all others."""
    description = folder / ".metadata"
    metadata = pickle.loads(description.read_bytes())
    metadata.storage_meta.checkpoint_id = PurePosixPath("/their/model")
    content = pickle.dumps(metadata, protocol=2)  # where names are lines of text
    ours = b"cpathlib\nPurePosixPath\n"
    assert ours in content
    description.write_bytes(content.replace(ours, f"c{module}\n{name}\n".encode()))
    torch.testing.assert_close(ShardedTensors(folder).read("net.weight"), WHOLE)


def test_a_folder_without_a_description_is_no_checkpoint(tmp_path: Path):
    with pytest.raises(WeightsUnusable, match=r"is no sharded checkpoint: no \.metadata"):
        ShardedTensors(tmp_path)


def test_a_description_cut_short_is_noticed(folder: Path):
    description = folder / ".metadata"
    description.write_bytes(description.read_bytes()[:100])
    with pytest.raises(WeightsUnusable, match="metadata"):
        ShardedTensors(folder)


def _save_a_share(rank: int, folder: Path) -> None:
    """What each of several training processes does."""
    from torch import distributed
    from torch.distributed.checkpoint.state_dict_saver import save
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.tensor import Shard, distribute_tensor

    torch.set_num_threads(1)
    distributed.init_process_group(
        "gloo", init_method=f"file://{folder}/meeting", rank=rank, world_size=PROCESSES
    )
    mesh = init_device_mesh("cpu", (PROCESSES,))
    save(
        {"net.weight": distribute_tensor(WHOLE, mesh, [Shard(0)])},
        checkpoint_id=folder / "model",
    )
    distributed.destroy_process_group()
