"""Depth of one photograph: the bundled network and an operator's own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from lyra_zoom.engines.embedded.depth import (
    WEIGHTS,
    BundledDepth,
    DepthAnythingDepth,
    depth_model,
    network_size,
)
from lyra_zoom.errors import EngineNotReady
from lyra_zoom.geometry.image import Size
from lyra_zoom.scenes.raycast import raycast
from lyra_zoom.scenes.scene import build_scene

LARGEST_BUNDLE = 12_000_000


@pytest.fixture(scope="module")
def street():
    size = Size(208, 120)
    scene = build_scene(6, "street")
    return raycast(scene, scene.camera.w2c, scene.camera.K(size), size)


def test_disparity_lies_between_zero_and_one(street):
    depth = BundledDepth().estimate(street.rgb)
    assert depth.disparity.min() >= 0
    assert depth.disparity.max() == 1
    assert (depth.sky >= 0).all()
    assert (depth.sky <= 1).all()


def test_the_mirror_image_has_the_mirrored_depth(street):
    model = BundledDepth()
    straight = model.estimate(street.rgb)
    mirrored = model.estimate(np.ascontiguousarray(street.rgb[:, ::-1]))
    assert np.allclose(mirrored.disparity[:, ::-1], straight.disparity, atol=1e-4)


def test_the_same_picture_gives_the_same_bytes(street):
    first, second = (BundledDepth().estimate(street.rgb) for _ in range(2))
    assert first.disparity.tobytes() == second.disparity.tobytes()
    assert first.sky.tobytes() == second.sky.tobytes()


def test_normals_have_length_one_while_ground_is_a_probability(street):
    depth = BundledDepth().estimate(street.rgb)
    assert depth.normal is not None
    assert depth.ground is not None
    assert depth.normal.shape == (*depth.disparity.shape, 3)
    assert np.allclose(np.linalg.norm(depth.normal, axis=-1), 1, atol=1e-4)
    assert depth.ground.min() >= 0
    assert depth.ground.max() <= 1


def test_the_mirror_image_has_mirrored_normals(street):
    model = BundledDepth()
    straight = model.estimate(street.rgb).normal
    mirrored = model.estimate(np.ascontiguousarray(street.rgb[:, ::-1])).normal
    assert straight is not None
    assert mirrored is not None
    assert np.allclose(mirrored[:, ::-1] * [-1, 1, 1], straight, atol=1e-3)


def test_a_street_is_ground_that_faces_up_below_and_none_above(street):
    depth = BundledDepth().estimate(street.rgb)
    assert depth.normal is not None
    assert depth.ground is not None
    rows = depth.ground.shape[0]
    below, above = slice(-rows // 6, None), slice(0, rows // 3)
    assert depth.ground[below].mean() > depth.ground[above].mean() + 0.3
    assert depth.normal[below, :, 1].mean() < -0.6


def test_near_ground_is_told_from_far_ground(street):
    disparity = BundledDepth().estimate(street.rgb).disparity
    third = disparity.shape[0] // 3
    assert disparity[-third:].mean() > disparity[third:-third].mean()


def test_the_bundled_file_is_small_enough_to_ship():
    assert WEIGHTS.stat().st_size < LARGEST_BUNDLE


@pytest.mark.parametrize(("picture", "expected"), [
    (Size(832, 480), Size(320, 192)),
    (Size(480, 832), Size(192, 320)),
    (Size(3000, 100), Size(320, 32)),
    (Size(500, 500), Size(320, 320)),
])  # fmt: skip
def test_the_network_sees_the_aspect_of_the_picture(picture, expected):
    assert network_size(picture, 320, 32) == expected


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(EngineNotReady, match="no depth network at"):
        depth_model(tmp_path / "absent.onnx").estimate(np.zeros((32, 32, 3), np.uint8))


def test_a_file_that_is_no_network_is_named(tmp_path):
    path = tmp_path / "picture.onnx"
    path.write_bytes(b"not a network at all")
    with pytest.raises(EngineNotReady, match=r"picture\.onnx is not a network"):
        depth_model(path).estimate(np.zeros((32, 32, 3), np.uint8))


def test_importing_the_module_does_not_load_onnxruntime():
    code = "import sys, lyra_zoom.engines.embedded.depth; print('onnxruntime' in sys.modules)"
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert answer.stdout.strip() == "False"


def depth_anything_like(path: Path) -> None:
    """A network with the shape of Depth Anything V2: the answer is the green channel."""
    onnx = pytest.importorskip("onnx", reason="building a tiny network needs the onnx package")
    value, node = onnx.helper.make_tensor_value_info, onnx.helper.make_node
    kind = onnx.TensorProto.FLOAT
    graph = onnx.helper.make_graph(
        [
            node("Gather", ["image", "one"], ["green"], axis=1),
            node("Relu", ["green"], ["depth"]),
        ],
        "tiny",
        [value("image", kind, [1, 3, "height", "width"])],
        [value("depth", kind, [1, "height", "width"])],
        [onnx.helper.make_tensor("one", onnx.TensorProto.INT64, [], [1])],
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)])
    model.ir_version = 8
    onnx.save(model, path)


def two_answers(path: Path) -> None:
    """A network like the bundled one before normals: disparity is green, sky is blue."""
    onnx = pytest.importorskip("onnx", reason="building a tiny network needs the onnx package")
    value, node = onnx.helper.make_tensor_value_info, onnx.helper.make_node
    kind, shape = onnx.TensorProto.FLOAT, [1, 1, "height", "width"]
    graph = onnx.helper.make_graph(
        [node("Split", ["image"], ["red", "disparity", "sky"], axis=1, num_outputs=3)],
        "tiny",
        [value("image", kind, [1, 3, "height", "width"])],
        [value(name, kind, shape) for name in ("disparity", "sky")],
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 18)])
    model.ir_version = 8
    onnx.save(model, path)


def test_a_file_without_normals_still_answers_disparity(tmp_path):
    two_answers(tmp_path / "two.onnx")
    picture = np.zeros((96, 160, 3), np.uint8)
    picture[48:, :, 1] = 255
    depth = BundledDepth(tmp_path / "two.onnx").estimate(picture)
    assert depth.disparity[-1, 0] == 1
    assert depth.disparity[0, 0] == 0
    assert depth.normal is None
    assert depth.ground is None


def test_a_depth_anything_file_is_run_at_multiples_of_fourteen(tmp_path):
    depth_anything_like(tmp_path / "anything.onnx")
    picture = np.zeros((120, 200, 3), np.uint8)
    picture[60:, :, 1] = 255
    depth = DepthAnythingDepth(tmp_path / "anything.onnx").estimate(picture)
    assert depth.disparity.shape == (308, 518)
    assert depth.disparity[-1, 0] == 1
    assert depth.sky[0, 0] == 1
    assert depth.sky[-1, 0] == 0
