"""Start the encoder from MobileNetV2's public weights, an int8 TensorFlow Lite file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import tflite
import torch

from training.network import Encoder

CONVOLUTIONS = (3, 4)
"""Operator codes of a convolution and of a depthwise one in the file format."""


def load_encoder(encoder: Encoder, path: Path) -> None:
    """Fill the encoder with the file's weights; the classifier is left out."""
    model = tflite.Model.GetRootAsModel(path.read_bytes(), 0)
    graph = model.Subgraphs(0)
    found = []
    for k in range(graph.OperatorsLength()):
        operator = graph.Operators(k)
        if model.OperatorCodes(operator.OpcodeIndex()).BuiltinCode() in CONVOLUTIONS:
            weight, bias = (_dequantised(model, graph, operator.Inputs(i)) for i in (1, 2))
            found.append((weight, bias))
    for conv, (weight, bias) in zip(encoder.convolutions(), found, strict=False):
        depthwise = conv.groups > 1
        order = (3, 0, 1, 2) if depthwise else (0, 3, 1, 2)  # file: out, height, width, in
        turned = torch.from_numpy(weight.transpose(order).copy())
        conv.load_state_dict({"weight": turned, "bias": torch.from_numpy(bias)})


def _dequantised(model: tflite.Model, graph: tflite.SubGraph, index: int) -> np.ndarray:
    tensor = graph.Tensors(index)
    kinds = {9: np.int8, 2: np.int32}
    raw = model.Buffers(tensor.Buffer()).DataAsNumpy().tobytes()
    values = np.frombuffer(raw, kinds[tensor.Type()]).reshape(tensor.ShapeAsNumpy())
    quantisation = tensor.Quantization()
    scale = quantisation.ScaleAsNumpy().astype(np.float32)
    axis = quantisation.QuantizedDimension()
    shape = [1] * values.ndim
    shape[axis] = -1
    return values.astype(np.float32) * scale.reshape(shape)
