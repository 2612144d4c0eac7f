"""Turn a checkpoint into the ONNX file that the product ships.

    python -m training.export --checkpoint RUN/last.pt --out depth.onnx

Input `image`: float32 1x3xHxW, RGB, 0 to 1, sides multiples of 32. Outputs `disparity`, `sky`
and `ground` (probabilities), 1x1xHxW, and `normal`, 1x3xHxW. Large weights are stored as
float16 and widened when loaded.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import onnx
import torch
from onnx import helper, numpy_helper
from torch import Tensor, nn
from torch.nn import functional

from training.network import DepthNet

OPSET = 17


OUTPUTS = ("disparity", "sky", "normal", "ground")


class Shipped(nn.Module):
    """What is shipped: the mean of the network and its guide.

    The network knows what is what and where it ends, the guide has seen photographs; their
    mistakes differ. Probabilities instead of logits.
    """

    def __init__(self, net: DepthNet) -> None:
        super().__init__()
        self.net = net

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """Everything in the order of `OUTPUTS`."""
        near, hints = self.net.hinted(image)
        answer = self.net.answered(image, near, hints)
        sky = torch.sigmoid(answer.sky)
        guide = matched(enlarged(near), answer.disparity, 1 - sky)
        disparity = ((answer.disparity + guide) / 2).clamp_min(0)
        return disparity, sky, answer.normal, torch.sigmoid(answer.ground)


def matched(disparity: Tensor, like: Tensor, weight: Tensor) -> Tensor:
    """Disparity at the scale and shift that give it the mean and the spread of another."""
    total = weight.sum((2, 3), keepdim=True).clamp_min(1e-3)

    def mean(x: Tensor) -> Tensor:
        return (x * weight).sum((2, 3), keepdim=True) / total

    off, wanted = disparity - mean(disparity), like - mean(like)
    return mean(like) + off * mean(wanted.abs()) / mean(off.abs()).clamp_min(1e-3)


def enlarged(near: Tensor) -> Tensor:
    """Twice as large."""
    return functional.interpolate(near, scale_factor=2.0, mode="bilinear", align_corners=False)


def export(net: DepthNet, path: Path) -> None:
    """Write network and guide as one ONNX with free height and width."""
    free = {2: "height", 3: "width"}
    torch.onnx.export(
        Shipped(net).eval(),
        (torch.rand(1, 3, 192, 320),),
        str(path),
        input_names=["image"],
        output_names=list(OUTPUTS),
        dynamic_axes=dict.fromkeys(("image", *OUTPUTS), free),
        opset_version=OPSET,
        dynamo=False,
    )
    model = onnx.load(path)
    store_as_half(model)
    onnx.checker.check_model(model)
    onnx.save(model, path)


def store_as_half(model: onnx.ModelProto) -> None:
    """Keep large weights as float16 behind a cast, which loading folds away."""
    graph, casts = model.graph, []
    for weight in graph.initializer:
        values = numpy_helper.to_array(weight)
        if values.dtype != np.float32 or values.size <= 256:
            continue
        name = weight.name
        weight.CopyFrom(numpy_helper.from_array(values.astype(np.float16), name + "_half"))
        casts.append(
            helper.make_node("Cast", [name + "_half"], [name], to=onnx.TensorProto.FLOAT)
        )
    nodes = casts + list(graph.node)
    del graph.node[:]
    graph.node.extend(nodes)


def load_average(net: DepthNet, checkpoint: Path) -> DepthNet:
    """The network with the averaged weights of a checkpoint."""
    net.load_state_dict(torch.load(checkpoint, weights_only=True)["average"])
    return net.eval()


def main() -> None:
    """Export a checkpoint."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    net = load_average(DepthNet(), options.checkpoint)
    export(net, options.out)
    print(f"{options.out}: {options.out.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
