"""Vector instructions that numba does not find by itself.

Written in LLVM's own terms, with a fixed order of operations: every processor gives the same
bits, whatever the width of its registers.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.extending import intrinsic

CHANNELS = 4


# In an intrinsic parameters stand for types while numba compiles: nothing to annotate.
# ruff: noqa: ANN001, ANN202
# mypy: disable-error-code="no-untyped-def, no-untyped-call"


def _blend_texels(typing, texels, start, stride, across, down):
    """Weighted sum of n x n RGBA texels, n = 2 or 4, as four float32.

    `texels` is a flat uint8 array, `start` the index of the first byte, `stride` the bytes per
    row; `across` and `down` are tuples of n float32 weights. A row of texels is one load.
    """
    taps = across.count
    lanes = CHANNELS * taps
    rgba = types.UniTuple(types.float32, CHANNELS)
    bytes_ = ir.VectorType(ir.IntType(8), lanes)
    ints = ir.VectorType(ir.IntType(32), lanes)
    floats = ir.VectorType(ir.FloatType(), lanes)

    def generate(context, builder, signature, args):
        array, byte, row_bytes, columns, rows = args
        data = context.make_array(texels)(context, builder, array).data
        total = ir.Constant(floats, [0.0] * lanes)
        for tap in range(taps):
            pointer = builder.bitcast(builder.gep(data, [byte]), bytes_.as_pointer())
            row = builder.load(pointer)
            row.align = 1
            colours = builder.sitofp(builder.zext(row, ints), floats)
            weight = _spread(builder, rows, [tap] * lanes)
            total = builder.fadd(total, builder.fmul(colours, weight))
            byte = builder.add(byte, row_bytes)
        weights = _spread(builder, columns, [lane // CHANNELS for lane in range(lanes)])
        total = builder.fmul(total, weights)
        while total.type.count > CHANNELS:
            total = _halves_added(builder, total)
        channels = [
            builder.extract_element(total, ir.IntType(32)(channel))
            for channel in range(CHANNELS)
        ]
        return context.make_tuple(builder, signature.return_type, channels)

    return rgba(texels, types.int64, types.int64, across, down), generate


def _spread(builder: ir.IRBuilder, values: Any, source: list[int]) -> Any:  # noqa: ANN401
    """A vector whose lane i holds member `source[i]` of a tuple of floats."""
    vector = ir.Constant(ir.VectorType(ir.FloatType(), len(source)), ir.Undefined)
    for lane, member in enumerate(source):
        value = builder.extract_value(values, member)
        vector = builder.insert_element(vector, value, ir.IntType(32)(lane))
    return vector


def _halves_added(builder: ir.IRBuilder, vector: Any) -> Any:  # noqa: ANN401
    """A vector of half the length: the lower half plus the upper half."""
    count = vector.type.count // 2
    undefined = ir.Constant(vector.type, ir.Undefined)
    lanes = ir.VectorType(ir.IntType(32), count)
    lower = builder.shuffle_vector(vector, undefined, ir.Constant(lanes, list(range(count))))
    above = ir.Constant(lanes, list(range(count, 2 * count)))
    return builder.fadd(lower, builder.shuffle_vector(vector, undefined, above))


blend_texels: Any = intrinsic(_blend_texels)
"""See `_blend_texels`, without its first parameter."""
